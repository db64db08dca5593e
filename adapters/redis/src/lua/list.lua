local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
if #names == 0 then return { {}, {} } end
return { names, redis.call('HMGET', KEYS[1], unpack(names)) }
