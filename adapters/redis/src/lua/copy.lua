-- Copies what is small; of what is in pieces it answers the head.
local heads, names, small, serial = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local from, to, condition, version, pieces, replaced_for = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local source = redis.call('HGET', heads, from)
if not source then return { 3 } end
local old = redis.call('HGET', heads, to)
if not holds(condition, version, old) then return { 0 } end
local copied = parse(source)
if copied.generation ~= '-' then return { 4, source } end
redis.call('HSET', small, to, redis.call('HGET', small, from))
local head = put(heads, names, to, copied.size, '-', 0, 0, '-', serial)
if old then loosen(old, pieces, replaced_for) end
return { 1, head }
