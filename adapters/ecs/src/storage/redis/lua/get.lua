-- The fields of the component, then for each entity its value or nothing.
local name = argument()
local answer = { redis.call('HGET', key('components'), name) }
for place = 2, #ARGV do answer[place] = whole(name, redis.call('HGET', key('c:' .. name), ARGV[place])) end
return answer
