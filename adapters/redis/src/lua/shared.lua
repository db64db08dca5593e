-- A head is: version, size, time of the last write in microseconds, generation or -, count of pieces, bytes of a piece,
-- = and the write token, or -.
local function parse(head)
  local version, size, _, generation, count, piece_bytes, token =
    string.match(head, '^(%d+) (%d+) (%d+) (%S+) (%d+) (%d+) (%S+)$')
  return { version = version, size = size, generation = generation, count = count, piece_bytes = piece_bytes, token = token }
end

local function holds(condition, version, head)
  if condition == 'absent' then return not head end
  if condition == 'match' then return head and parse(head).version == version end
  return true
end

-- A number that was never given out, not even before a loss of what was written last; and the time.
local function next_serial(key)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local serial = tonumber(redis.call('GET', key) or '0') + 1
  if now > serial then serial = now end
  local text = string.format('%.0f', serial)
  redis.call('SET', key, text)
  return text, string.format('%.0f', now)
end

local function put(heads, names, key, size, generation, count, piece_bytes, token, serial)
  local version, now = next_serial(serial)
  local head = table.concat({ version, size, now, generation, count, piece_bytes, token }, ' ')
  redis.call('HSET', heads, key, head)
  redis.call('ZADD', names, 0, key)
  return head
end

-- The pieces of what was replaced go after a while in which nobody has read them.
local function loosen(head, pieces, milliseconds)
  local generation = parse(head).generation
  if generation ~= '-' then redis.call('PEXPIRE', pieces .. generation, milliseconds) end
end
