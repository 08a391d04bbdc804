-- Marks a revision as one that too few replicas may have, or takes the mark away.
-- KEYS: record
-- ARGV: revision, '1' = mark, '0' = take away
if redis.call('HGET', KEYS[1], 'rev') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '1' then
  redis.call('HSET', KEYS[1], 'unsure', ARGV[1])
else
  redis.call('HDEL', KEYS[1], 'unsure')
end
return 1
