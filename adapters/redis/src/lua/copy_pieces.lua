local source, target = KEYS[1], KEYS[2]
local first, last, replaced_for, staged_for = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
-- What does not expire is published: a request that arrives late, after it was made again, must not touch it.
if redis.call('PTTL', target) == -1 then return 1 end
if redis.call('PTTL', source) > 0 then redis.call('PEXPIRE', source, replaced_for) end
for piece = first, last do
  local bytes = redis.call('HGET', source, piece)
  if not bytes then return 0 end
  redis.call('HSET', target, piece, bytes)
end
redis.call('PEXPIRE', target, staged_for)
return 1
