if not is_alive(ARGV[1], head('shard')) then return { 0 } end
local answer = { 1 }
for _, name in ipairs(redis.call('HKEYS', key('components'))) do
  if redis.call('HEXISTS', key('c:' .. name), ARGV[1]) == 1 then answer[#answer + 1] = name end
end
return answer
