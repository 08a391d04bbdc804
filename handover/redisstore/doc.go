// Package redisstore keeps records of package handover in Redis 6.2 or later: a single server,
// behind Sentinel, or in a cluster. Valkey has all commands that it uses. It is tested with Redis
// 7.0.
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	store, err := redisstore.New(client)
//	if err := store.Check(ctx); err != nil { ... }
//	desk, err := handover.New(handover.Config{Store: store, ... })
//
// # Durability
//
// A message counts as accepted when it is stored. So no message is lost only with these settings of
// Redis, which [Store.Check] reads:
//
//   - appendonly yes and appendfsync always: each write is on disk before it is acknowledged. With
//     everysec, the default of many services, a crash of the machine loses about a second; with
//     snapshots (RDB) alone, minutes. Snapshots in addition to the append-only file do no harm: a
//     restart reads the file.
//     https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
//   - no-appendfsync-on-rewrite no: Redis rewrites the file from time to time; with this setting it
//     also calls fsync during a rewrite.
//   - maxmemory-policy noeviction: a full Redis refuses writes (the host gets an error, Genesys a
//     503, both retry) instead of removing records.
//     https://redis.io/docs/latest/develop/reference/eviction/
//   - No record has an expiry, and none may get one: EXPIRE on a key of the store loses messages.
//     The Manager removes records when their retention ends.
//
// # Failover
//
// Replication is asynchronous. Without [WithReplicas], a failover loses acknowledged writes that
// the new primary had not received. With WithReplicas(1, time.Second) a write waits for a replica
// (WAIT). If too few replicas acknowledge it, it is an error of unknown outcome. The write is on
// the primary, but the record is marked until WAIT has succeeded; Get and Find of a marked record
// first wait for the replicas. So a replica that is down stops the records that it must have. With
// two replicas and WithReplicas(1, ...) one of them may be down. A delete leaves no mark: if Delete
// failed because of too few replicas, a failover may restore the record. So call Forget again after
// a failover.
//
// WAIT makes a loss unlikely, not impossible: it counts replicas that have a write in memory, not
// on disk, and a failover chooses the best replica that it can reach, which may be another one.
// https://redis.io/docs/latest/commands/wait/ If n is the number of replicas that may be promoted,
// each of them has the write. min-replicas-to-write in addition refuses writes at once while
// replicas are down. A primary without persistence that restarts empty also empties its replicas.
// https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
//
// # Writes
//
// A write is one Lua script that compares the revision and then changes the record and all indexes,
// or nothing. It is sent exactly once, whatever MaxRetries is: see the comment of the type once in
// write.go. If a cluster has moved the slot, the write fails, the client learns the new server, and
// the Manager retries.
//
// # Keys, clusters, permissions
//
// All keys begin with {prefix}: and so are in one slot of a cluster, because a script may use only
// one (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/). A cluster makes
// a store more available, not larger or faster. To distribute load, give groups of channels
// separate Managers with stores of different prefixes.
//
//	{prefix}:record:<channel>NUL<customer>   hash: rev, conv (conversation id),
//	                                         wake (µs since 1970), data, unsure
//	{prefix}:all                             every record, in the order of keys
//	{prefix}:due, {prefix}:due:<channel>     records that wake, of all channels and of one,
//	                                         in the order of Due
//	{prefix}:conversation:<conversation id>  set of the records of a conversation, of any channel
//	{prefix}:fence                           a counter, only with WithReplicas
//
// The user of Redis needs the keys {prefix}:* and the commands EVAL, EVALSHA, HMGET, HSET, DEL,
// ZADD, ZREM, ZSCORE, ZRANGE, SADD, SREM, SISMEMBER and SMEMBERS; for WithReplicas also INCR, HGET,
// HDEL and WAIT; for all of Check also CONFIG GET. Keys and data are personal data: use TLS, and
// wrap the store with [handover.Seal] to encrypt the data.
//
// # Sizes and backups
//
// A record takes the size of its Data, rounded up by the allocator, and about 2 KiB for the other
// fields and the indexes: 3.8 KiB for Data of 2 KiB and 7.3 KiB for 5 KiB, measured. Data typically
// has 2 to 5 KiB, 1.5 MiB at most, and stays until its retention ends. So 100,000 customers in
// three days take about 0.6 GB; reserve as much again for the rewrite of the file and the buffers
// of replicas. With appendfsync always, one writer made 650 writes per second and 128 writers
// together 6,900, on 2 cores: writers share the fsync.
//
// Copy the append-only directory or an RDB file as the page on persistence says. After a backup is
// restored, later writes are lost, and the Manager may send again what it sent since, with the same
// ids.
package redisstore
