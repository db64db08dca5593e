-- The generation is - for a small body, + for one of a single piece, or that of pieces staged before. The body is the
-- small one, or the last piece; it is empty if all are staged.
local heads, names, small, serial = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key, condition, version, pieces, replaced_for = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local size, token, generation, count, piece_bytes, body = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local old = redis.call('HGET', heads, key)
if not holds(condition, version, old) then return { 0 } end
if generation == '-' then
  redis.call('HSET', small, key, body)
else
  if generation == '+' then
    generation = next_serial(serial)
  elseif redis.call('HLEN', pieces .. generation) ~= tonumber(count) then
    return { 2 }
  else
    redis.call('PERSIST', pieces .. generation)
  end
  if #body > 0 then
    redis.call('HSET', pieces .. generation, count, body)
    count = count + 1
  end
  redis.call('HDEL', small, key)
end
local head = put(heads, names, key, size, generation, string.format('%.0f', count), piece_bytes, token, serial)
if old then loosen(old, pieces, replaced_for) end
return { 1, head }
