-- What does not expire is published, and stays.
if redis.call('PTTL', KEYS[1]) > 0 then redis.call('UNLINK', KEYS[1]) end
return 1
