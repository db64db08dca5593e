-- What does not expire is published: a request that arrives late, after it was made again, must not touch it.
if redis.call('PTTL', KEYS[1]) == -1 then return 1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
