-- Removes the mark of a revision, because enough replicas have it.
-- KEYS: record
-- ARGV: revision
if redis.call('HGET', KEYS[1], 'unsure') ~= ARGV[1] then
  return 0
end
redis.call('HDEL', KEYS[1], 'unsure')
return 1
