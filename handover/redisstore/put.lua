-- Stores a record if the stored revision is the expected one, and keeps the indexes in step with it. 1: stored, 0: conflict.
-- KEYS: record, all, wake, conversations
-- ARGV: expected revision ('' = no record), member, revision, conversation, wake (µs since 1970, 0 = never), data,
--   number of replicas that WAIT waits for
local record, all, wake, conversations = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local expected, member, revision, conversation, at = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- Revisions are compared as strings: a number of Lua is a double, exact up to 2^53 only.
local old = redis.call('HMGET', record, 'rev', 'conv')
if (old[1] or '') ~= expected then
  return 0
end

-- Redis does not roll a script back, so a key of another type has to fail here, before the first write.
local before = old[2] or ''
local owner = redis.call('HGET', conversations, before)
redis.call('ZSCORE', all, member)
redis.call('ZSCORE', wake, member)

redis.call('HSET', record, 'rev', revision, 'conv', conversation, 'wake', at, 'data', ARGV[6])
if tonumber(ARGV[7]) > 0 then
  redis.call('HSET', record, 'unsure', revision)
end
redis.call('ZADD', all, 0, member)
if tonumber(at) > 0 then
  redis.call('ZADD', wake, at, member)
else
  redis.call('ZREM', wake, member)
end
if before ~= conversation and owner == member then
  redis.call('HDEL', conversations, before)
end
if conversation ~= '' then
  redis.call('HSET', conversations, conversation, member)
end
return 1
