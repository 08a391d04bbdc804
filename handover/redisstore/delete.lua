-- Removes a record if the stored revision is the expected one. 1: gone, 0: conflict.
-- KEYS: record, all, due, due of the channel (or due again), prefix of conversations, fence
-- ARGV: expected revision, member, number of replicas that WAIT waits for
local record, all, due, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member = ARGV[2]

local old = redis.call('HMGET', record, 'rev', 'conv', 'wake')
if not old[1] then
  -- An earlier delete may have removed it and its answer got lost: WAIT needs a write to wait for.
  if tonumber(ARGV[3]) > 0 then
    redis.call('INCR', KEYS[6])
  end
  return 1
end
if old[1] ~= ARGV[1] then
  return 0
end

-- As in put.lua: fail before the first write.
local found = KEYS[5] .. (old[2] or '')
redis.call('ZSCORE', all, member)
redis.call('ZSCORE', due, member)
redis.call('ZSCORE', channel, member)
redis.call('SISMEMBER', found, member)

local wake = old[3] or '0'
if tonumber(wake) > 0 then
  local entry = string.rep('0', 19 - #wake) .. wake .. '\0' .. member
  redis.call('ZREM', due, entry)
  redis.call('ZREM', channel, entry)
end
redis.call('ZREM', all, member)
redis.call('SREM', found, member)
redis.call('DEL', record)
return 1
