-- Keys, all behind one prefix with a hash tag:
--   head       hash: shard, tick, oldest, next
--   components hash: name -> fields as JSON text
--   alive      sorted set: entity by the tick in which it was made, without reserved ones
--   guests     set: those of them whose ids were given out elsewhere
--   slots      hash: index of an entity that is not alive -> next generation
--   free       list: indexes that can be used again, the last one first
--   reserved   hash: reserved entity -> how many components it has
--   graves     sorted set: entity and the tick in which it was made, by the tick in which it was destroyed
--   c:NAME     hash: entity -> 0 and the value, or 1 and the hash of a shared value
--   t:NAME     sorted set: entity by the tick of the last write
--   r:NAME     sorted set: entity by the tick in which the component was removed
--   s:NAME     hash: hash of a shared value -> the value
--   n:NAME     hash: hash of a shared value -> how many entities have it
-- An entity is written as shard.generation.index.
local prefix = KEYS[1]
local function key(name) return prefix .. name end

local function head(field) return tonumber(redis.call('HGET', key('head'), field)) end

local function parts(entity)
  local shard, generation, index = string.match(entity, '^(%d+)%.(%d+)%.(%d+)$')
  return tonumber(shard), tonumber(generation), tonumber(index)
end

local RESERVED, GENERATION_MAX = 1000, 1048575

local function is_reserved(entity)
  local _, _, index = parts(entity)
  return index < RESERVED
end

local function is_alive(entity, own)
  local shard, generation, index = parts(entity)
  if index < RESERVED and generation == 0 and shard == own then return true end
  return redis.call('ZSCORE', key('alive'), entity) and true or false
end

-- A stored value with its shared one in it: 0 or 1, and the value.
local function whole(name, stored)
  if stored and string.sub(stored, 1, 1) == '1' then
    return '1' .. redis.call('HGET', key('s:' .. name), string.sub(stored, 2))
  end
  return stored
end

local function release(name, stored)
  if stored and string.sub(stored, 1, 1) == '1' then
    local hash = string.sub(stored, 2)
    if redis.call('HINCRBY', key('n:' .. name), hash, -1) <= 0 then
      redis.call('HDEL', key('n:' .. name), hash)
      redis.call('HDEL', key('s:' .. name), hash)
    end
  end
end

local function put(entity, name, shared, value, tick)
  local before = redis.call('HGET', key('c:' .. name), entity)
  local stored = '0' .. value
  if shared == '1' then
    local hash = redis.sha1hex(value)
    redis.call('HSET', key('s:' .. name), hash, value)
    redis.call('HINCRBY', key('n:' .. name), hash, 1)
    stored = '1' .. hash
  end
  redis.call('HSET', key('c:' .. name), entity, stored)
  redis.call('ZADD', key('t:' .. name), tick, entity)
  release(name, before)
  if not before and is_reserved(entity) then redis.call('HINCRBY', key('reserved'), entity, 1) end
end

local function take(entity, name)
  local before = redis.call('HGET', key('c:' .. name), entity)
  if not before then return false end
  redis.call('HDEL', key('c:' .. name), entity)
  redis.call('ZREM', key('t:' .. name), entity)
  release(name, before)
  if is_reserved(entity) and redis.call('HINCRBY', key('reserved'), entity, -1) <= 0 then
    redis.call('HDEL', key('reserved'), entity)
  end
  return true
end

-- Arguments, one after the other.
local at = 0
local function argument()
  at = at + 1
  return ARGV[at]
end
local function number() return tonumber(argument()) end

-- Components of the call: the name of the first whose fields are others here, if there is one.
local function components()
  local new = {}
  for _ = 1, number() do
    local name, fields = argument(), argument()
    local known = redis.call('HGET', key('components'), name) or new[name]
    if known and known ~= fields then return nil, name end
    new[name] = fields
  end
  return new
end

local function learn(new)
  for name, fields in pairs(new) do redis.call('HSET', key('components'), name, fields) end
end

local function values()
  local list = {}
  for place = 1, number() do list[place] = { argument(), argument(), argument() } end
  return list
end

local function put_all(entity, list, tick)
  for _, value in ipairs(list) do put(entity, value[1], value[2], value[3], tick) end
end
