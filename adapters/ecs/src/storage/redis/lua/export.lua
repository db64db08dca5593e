local answer = { redis.call('HMGET', key('head'), 'shard', 'tick', 'next') }
answer[2] = redis.call('ZRANGE', key('alive'), 0, -1)
answer[3] = redis.call('SMEMBERS', key('guests'))
answer[4] = redis.call('HGETALL', key('slots'))
answer[5] = redis.call('LRANGE', key('free'), 0, -1)
for _, name in ipairs(redis.call('HKEYS', key('components'))) do
  local rows = redis.call('HGETALL', key('c:' .. name))
  for place = 2, #rows, 2 do rows[place] = whole(name, rows[place]) end
  table.insert(answer, { { name, redis.call('HGET', key('components'), name) }, rows })
end
return answer
