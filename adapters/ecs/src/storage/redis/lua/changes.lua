-- The tick and the oldest one; then what was created, destroyed, and for each component: its name and fields, what was
-- written, what was removed.
local since = tonumber(ARGV[1])
local tick, oldest = head('tick'), head('oldest')
local answer = { { string.format('%.0f', tick), string.format('%.0f', oldest) } }
if since > tick or since < oldest then return answer end
local own, after = head('shard'), '(' .. ARGV[1]
answer[2] = redis.call('ZRANGEBYSCORE', key('alive'), after, '+inf')
answer[3] = {}
for _, grave in ipairs(redis.call('ZRANGEBYSCORE', key('graves'), after, '+inf')) do
  local entity, born = string.match(grave, '^(%S+) (%S+)$')
  if tonumber(born) <= since then table.insert(answer[3], entity) end
end
for _, name in ipairs(redis.call('HKEYS', key('components'))) do
  local written, removed = {}, {}
  for _, entity in ipairs(redis.call('ZRANGEBYSCORE', key('t:' .. name), after, '+inf')) do
    written[#written + 1] = entity
    written[#written + 1] = whole(name, redis.call('HGET', key('c:' .. name), entity))
  end
  for _, entity in ipairs(redis.call('ZRANGEBYSCORE', key('r:' .. name), after, '+inf')) do
    local born = tonumber(redis.call('ZSCORE', key('alive'), entity) or 0)
    if redis.call('HEXISTS', key('c:' .. name), entity) == 0 and is_alive(entity, own) and born <= since then
      removed[#removed + 1] = entity
    end
  end
  table.insert(answer, { { name, redis.call('HGET', key('components'), name) }, written, removed })
end
return answer
