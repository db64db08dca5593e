local heads, names, small = KEYS[1], KEYS[2], KEYS[3]
local condition, version, pieces, replaced_for = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local answers = {}
for at = 5, #ARGV do
  local key = ARGV[at]
  local old = redis.call('HGET', heads, key)
  if not holds(condition, version, old) then
    answers[#answers + 1] = 2
  elseif not old then
    answers[#answers + 1] = 0
  else
    redis.call('HDEL', heads, key)
    redis.call('HDEL', small, key)
    redis.call('ZREM', names, key)
    loosen(old, pieces, replaced_for)
    answers[#answers + 1] = 1
  end
end
return answers
