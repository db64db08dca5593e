local function names()
  local list = {}
  for place = 1, number() do list[place] = argument() end
  return list
end
local asked, having, excluded = names(), names(), names()
local answer = { {} }
for place, name in ipairs(asked) do
  local fields = redis.call('HGET', key('components'), name)
  if not fields then return {} end
  answer[1][place] = fields
end

-- Whoever has the rarest of the components is looked at.
local rarest, fewest
for _, list in ipairs({ asked, having }) do
  for _, name in ipairs(list) do
    local count = redis.call('HLEN', key('c:' .. name))
    if not fewest or count < fewest then rarest, fewest = name, count end
  end
end
local entities
if rarest then
  entities = redis.call('HKEYS', key('c:' .. rarest))
else
  entities = redis.call('ZRANGE', key('alive'), 0, -1)
  for _, entity in ipairs(redis.call('HKEYS', key('reserved'))) do entities[#entities + 1] = entity end
end

local function fits(entity)
  for _, name in ipairs(having) do
    if redis.call('HEXISTS', key('c:' .. name), entity) == 0 then return false end
  end
  for _, name in ipairs(excluded) do
    if redis.call('HEXISTS', key('c:' .. name), entity) == 1 then return false end
  end
  return true
end
for _, entity in ipairs(entities) do
  if fits(entity) then
    local row = { entity }
    for place, name in ipairs(asked) do
      local stored = redis.call('HGET', key('c:' .. name), entity)
      if not stored then
        row = nil
        break
      end
      row[place + 1] = whole(name, stored)
    end
    if row then answer[#answer + 1] = row end
  end
end
return answer
