-- Makes the head if there is none, and tells the version and the shard.
redis.call('HSETNX', key('head'), 'version', ARGV[1])
if redis.call('HSETNX', key('head'), 'shard', ARGV[2]) == 1 then
  redis.call('HSET', key('head'), 'tick', 0, 'oldest', 0, 'next', RESERVED)
end
return redis.call('HMGET', key('head'), 'version', 'shard')
