-- The shard, the tick, the next index; the components; entities, guests, slots, free; rows. Components that are known and
-- are not replaced stay known.
local shard, tick, next_index = argument(), math.max(head('tick'), number()) + 1, argument()
local new = {}
for _ = 1, number() do
  local name, fields = argument(), argument()
  new[name] = fields
end
for _, name in ipairs(redis.call('HKEYS', key('components'))) do
  for _, kind in ipairs({ 'c:', 't:', 'r:', 's:', 'n:' }) do redis.call('DEL', key(kind .. name)) end
end
for _, name in ipairs({ 'alive', 'guests', 'slots', 'free', 'reserved', 'graves' }) do redis.call('DEL', key(name)) end
learn(new)
local text = string.format('%.0f', tick)
redis.call('HSET', key('head'), 'shard', shard, 'tick', text, 'oldest', text, 'next', next_index)
for _ = 1, number() do redis.call('ZADD', key('alive'), text, argument()) end
for _ = 1, number() do redis.call('SADD', key('guests'), argument()) end
for _ = 1, number() do redis.call('HSET', key('slots'), argument(), argument()) end
for _ = 1, number() do redis.call('RPUSH', key('free'), argument()) end
for _ = 1, number() do
  local entity, name, shared, value = argument(), argument(), argument(), argument()
  put(entity, name, shared, value, text)
end
return { 'done' }
