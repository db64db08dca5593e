local heads, names, small, serial = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local from, to, condition, version, pieces, replaced_for = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local source = redis.call('HGET', heads, from)
if not source then return { 3 } end
local old = redis.call('HGET', heads, to)
if not holds(condition, version, old) then return { 0 } end
if from == to then return { 1, source } end
local moved = parse(source)
if moved.generation == '-' then
  redis.call('HSET', small, to, redis.call('HGET', small, from))
else
  redis.call('HDEL', small, to)
end
redis.call('HDEL', small, from)
redis.call('HDEL', heads, from)
redis.call('ZREM', names, from)
local head =
  put(heads, names, to, moved.size, moved.generation, moved.count, moved.piece_bytes, moved.token, serial)
if old then loosen(old, pieces, replaced_for) end
return { 1, head }
