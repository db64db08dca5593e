-- A part of a piece, and how long the piece is. Reading what was replaced keeps it for a while longer.
local piece = redis.call('HGET', KEYS[1], ARGV[1])
if not piece then return false end
if redis.call('PTTL', KEYS[1]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return { #piece, string.sub(piece, ARGV[2] + 1, ARGV[3]) }
