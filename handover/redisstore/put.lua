-- Stores a record if the stored revision is the expected one, and updates the indexes with it. 1: stored, 0: conflict.
-- KEYS: record, all, due, due of the channel (or due again), conversation of the record (or the prefix of conversations),
--   prefix of conversations
-- ARGV: expected revision ('' = no record), member, revision, conversation, wake (µs since 1970, 0 = never), data,
--   number of replicas that WAIT waits for
local record, all, due, channel, found = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local expected, member, revision, conversation, wake = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- Revisions are compared as strings: a number of Lua is a double, exact up to 2^53 only.
local old = redis.call('HMGET', record, 'rev', 'conv', 'wake')
if (old[1] or '') ~= expected then
  return 0
end

-- Redis does not roll a script back, so a key of another type has to fail here, before the first write.
local before = old[2] or ''
local left = KEYS[6] .. before -- in the slot of all other keys, because the prefix has the hash tag
redis.call('ZSCORE', all, member)
redis.call('ZSCORE', due, member)
redis.call('ZSCORE', channel, member)
redis.call('SISMEMBER', found, member)
redis.call('SISMEMBER', left, member)

-- 19 digits, a NUL and the member: the order of the bytes is the order of Due.
local function entry(at)
  return string.rep('0', 19 - #at) .. at .. '\0' .. member
end
local function wakes(at)
  return at and tonumber(at) > 0
end

redis.call('HSET', record, 'rev', revision, 'conv', conversation, 'wake', wake, 'data', ARGV[6])
if tonumber(ARGV[7]) > 0 then
  redis.call('HSET', record, 'unsure', revision)
end
redis.call('ZADD', all, 0, member)
if wakes(old[3]) and old[3] ~= wake then
  redis.call('ZREM', due, entry(old[3]))
  redis.call('ZREM', channel, entry(old[3]))
end
if wakes(wake) then
  redis.call('ZADD', due, 0, entry(wake))
  redis.call('ZADD', channel, 0, entry(wake))
end
if before ~= conversation and before ~= '' then
  redis.call('SREM', left, member)
end
if conversation ~= '' then
  redis.call('SADD', found, member)
end
return 1
