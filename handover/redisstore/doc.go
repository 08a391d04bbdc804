// Package redisstore keeps the records of package handover in Redis 6.2 or later, alone, behind Sentinel or in a cluster. What
// it uses is in Valkey too. It was tested with Redis 7.0.
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	store, err := redisstore.New(client)
//	if err := store.Check(ctx); err != nil { ... }
//	desk, err := handover.New(handover.Config{Store: store, ... })
//
// # Durability
//
// A message counts as accepted when it is stored. So "nothing is lost" is as true as these settings of Redis, which
// [Store.Check] reads:
//
//   - appendonly yes and appendfsync always: each write is on the disk before it is acknowledged. With everysec, the default of
//     many services, a crash of the machine loses about a second; with snapshots (RDB) alone, minutes. Snapshots beside the
//     append-only file do no harm: a restart reads the file.
//     https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
//   - no-appendfsync-on-rewrite no: the file is rewritten now and then, and this setting says that fsync goes on meanwhile.
//   - maxmemory-policy noeviction: a full Redis refuses writes (the host gets an error, Genesys a 503, both try again)
//     instead of removing records. https://redis.io/docs/latest/develop/reference/eviction/
//   - No record has an expiry, and none may get one: EXPIRE on a key of the store loses messages. Retention is the Manager's.
//
// # Failover
//
// Replication is asynchronous: without [WithReplicas] a failover loses what the new primary had not received yet, although it
// was acknowledged. With WithReplicas(1, time.Second) a write waits for a replica (WAIT). If too few acknowledge it, it is an
// error of unknown outcome. The write itself is on the primary, but it marks the record until WAIT has succeeded, and Get and
// Find of a marked one wait for the replicas first: nobody takes it for safe. A replica that is away therefore stops what it
// has to keep. With two replicas and WithReplicas(1, ...) one may be away. What was removed leaves no mark: a Delete that
// failed for want of replicas may come back with a failover, so ask to forget a customer again when one has happened.
//
// WAIT makes a loss unlikely, not impossible: it counts replicas that have a write in memory, not on disk, and a failover
// chooses the best replica it can reach, which need not be one of those.
// https://redis.io/docs/latest/commands/wait/ With as many acknowledgements as there are replicas that may be promoted, each
// of them has the write. min-replicas-to-write beside it refuses writes at once when replicas are away.
// A primary without persistence that restarts empty empties its replicas too.
// https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
//
// # Writes
//
// A write is one Lua script that compares the revision and changes record and indexes together, or nothing. It is sent once,
// whatever MaxRetries says: see the comment at the type once in write.go. Where a cluster has moved the slot, the write
// fails and the client learns the new place for the next one; the Manager tries again.
//
// # Keys, clusters, permissions
//
// All keys begin with {prefix}: and a store is in one slot of a cluster, since a script may only touch one
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/). A cluster makes a store more available, not
// larger or faster. To share the load, give groups of channels Managers with stores of different prefixes.
//
//	{prefix}:record:<channel>NUL<customer>  hash: rev, conv (conversation id), wake (µs since 1970), data, unsure
//	{prefix}:all, :wake, :conversations     the indexes
//	{prefix}:fence                          a counter, with WithReplicas only
//
// A user of Redis needs the keys {prefix}:* and EVAL, EVALSHA, HMGET, HGET, HSET, HDEL, DEL, ZADD, ZREM, ZSCORE, ZRANGE, INCR,
// for WithReplicas WAIT, for all of Check CONFIG GET. Keys and data are personal data: use TLS, and a store that encrypts Data
// around this one where that is asked for.
//
// # Sizes and backups
//
// A record takes its Data, rounded up by the allocator, and 0.7 to 2 KiB: 3.4 KiB for one of 2 KiB, 6.9 KiB for one of 5,
// measured. A record is typically 2 to 5 KiB, 1.5 MiB at most, and stays until its retention is over. So 100,000 customers in
// three days are about 0.5 GB; leave as much again for the rewrite of the file and the buffers of replicas. With appendfsync
// always, one writer made 650 writes a second and 128 together 6,900, on 2 cores: writers share the fsync.
//
// Copy the append-only directory or an RDB file as the page on persistence says. A backup is a state of the past: after
// a restore, what came since is gone, and what was sent since may be sent again, with the same ids.
package redisstore
