local new, other = components()
if not new then return { 'fields', other } end
local own = head('shard')

local writes, removes, destroys, spawns, places = {}, {}, {}, {}, {}
for place = 1, number() do writes[place] = { argument(), argument(), argument(), argument(), argument() } end
for place = 1, number() do removes[place] = { argument(), argument() } end
for place = 1, number() do destroys[place] = argument() end
for place = 1, number() do spawns[place] = values() end
for place = 1, number() do places[place] = { argument(), values() } end

for _, write in ipairs(writes) do
  if not is_alive(write[1], own) then return { 'dead', write[1] } end
  if write[3] == 'update' and redis.call('HEXISTS', key('c:' .. write[2]), write[1]) == 0 then
    return { 'missing', write[1], write[2] }
  end
end
for _, remove in ipairs(removes) do
  if not is_alive(remove[1], own) then return { 'dead', remove[1] } end
end
for _, entity in ipairs(destroys) do
  if not is_alive(entity, own) then return { 'dead', entity } end
end
for _, entity in ipairs(destroys) do
  if is_reserved(entity) then return { 'reserved', entity } end
end
for _, place in ipairs(places) do
  if is_alive(place[1], own) then return { 'exists', place[1] } end
end

-- Whether an id can be placed: one of another shard, or one that was given out here and taken back.
local function was_given_out(entity)
  local shard, generation, index = parts(entity)
  if index < RESERVED then return false end
  if shard ~= own then return true end
  if index >= head('next') then return false end
  local slot = redis.call('HGET', key('slots'), index)
  if slot then
    slot = tonumber(slot)
    if generation ~= slot or slot ~= GENERATION_MAX then return generation < slot end
    -- In its last generation an index is free before it is given out, and not afterwards.
    for _, free in ipairs(redis.call('LRANGE', key('free'), 0, -1)) do
      if tonumber(free) == index then return false end
    end
    return true
  end
  -- It is alive in one of its generations.
  for later = generation + 1, GENERATION_MAX do
    local id = own .. '.' .. later .. '.' .. index
    if redis.call('ZSCORE', key('alive'), id) and redis.call('SISMEMBER', key('guests'), id) == 0 then return true end
    if later > generation + 4096 then return false end
  end
  return false
end
for _, place in ipairs(places) do
  if not was_given_out(place[1]) then return { 'foreign', place[1] } end
end

learn(new)
local tick = redis.call('HINCRBY', key('head'), 'tick', 1)
for _, write in ipairs(writes) do put(write[1], write[2], write[4], write[5], tick) end

local removed = 0
for _, remove in ipairs(removes) do
  if take(remove[1], remove[2]) then
    removed = removed + 1
    redis.call('ZADD', key('r:' .. remove[2]), tick, remove[1])
  end
end

local names = {}
if #destroys > 0 then names = redis.call('HKEYS', key('components')) end
for _, entity in ipairs(destroys) do
  for _, name in ipairs(names) do
    take(entity, name)
    redis.call('ZREM', key('r:' .. name), entity)
  end
  local born = redis.call('ZSCORE', key('alive'), entity)
  redis.call('ZADD', key('graves'), tick, entity .. ' ' .. born)
  redis.call('ZREM', key('alive'), entity)
  if redis.call('SREM', key('guests'), entity) == 0 then
    local _, generation, index = parts(entity)
    redis.call('HSET', key('slots'), index, math.min(generation + 1, GENERATION_MAX))
    -- An index whose generations are used up is never free.
    if generation < GENERATION_MAX then redis.call('RPUSH', key('free'), index) end
  end
end

local answer = { 'done', string.format('%.0f', tick), string.format('%.0f', removed) }
for _, list in ipairs(spawns) do
  local index, generation = redis.call('RPOP', key('free')), '0'
  if index then
    generation = redis.call('HGET', key('slots'), index)
    redis.call('HDEL', key('slots'), index)
  else
    index = string.format('%.0f', redis.call('HINCRBY', key('head'), 'next', 1) - 1)
  end
  local entity = own .. '.' .. generation .. '.' .. index
  redis.call('ZADD', key('alive'), tick, entity)
  put_all(entity, list, tick)
  answer[#answer + 1] = entity
end
for _, place in ipairs(places) do
  redis.call('ZADD', key('alive'), tick, place[1])
  redis.call('SADD', key('guests'), place[1])
  put_all(place[1], place[2], tick)
end

-- The older half of what is remembered for changes goes when that is too much.
local REMEMBERED = 1048576
if redis.call('ZCARD', key('graves')) > 2 * REMEMBERED then
  local last = redis.call('ZRANGE', key('graves'), REMEMBERED, REMEMBERED, 'WITHSCORES')[2]
  redis.call('ZREMRANGEBYSCORE', key('graves'), '-inf', last)
  for _, name in ipairs(redis.call('HKEYS', key('components'))) do
    redis.call('ZREMRANGEBYSCORE', key('r:' .. name), '-inf', last)
  end
  redis.call('HSET', key('head'), 'oldest', last)
end
return answer
