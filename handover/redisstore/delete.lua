-- Removes a record if the stored revision is the expected one. 1: gone, 0: conflict.
-- KEYS: record, all, wake, conversations, fence
-- ARGV: expected revision, member, number of replicas that WAIT waits for
local record, all, wake, conversations = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member = ARGV[2]

local old = redis.call('HMGET', record, 'rev', 'conv')
if not old[1] then
  -- Perhaps a delete before this one did it and its answer got lost: WAIT needs a write to wait for.
  if tonumber(ARGV[3]) > 0 then
    redis.call('INCR', KEYS[5])
  end
  return 1
end
if old[1] ~= ARGV[1] then
  return 0
end

-- As in put.lua: fail before the first write.
local owner = redis.call('HGET', conversations, old[2])
redis.call('ZSCORE', all, member)
redis.call('ZSCORE', wake, member)

redis.call('ZREM', wake, member)
redis.call('ZREM', all, member)
if owner == member then
  redis.call('HDEL', conversations, old[2])
end
redis.call('DEL', record)
return 1
