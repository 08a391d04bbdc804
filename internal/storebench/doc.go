// Package storebench measures what a handover.Store costs a whole Manager. Benchmarks of a store
// call [Run]:
//
//	go test -run '^$' -bench . ./internal/storebench
//
// Numbers are compared as ratios to a baseline that is measured in the same run, on the same store,
// because machines differ, and one machine differs from minute to minute. No benchmark fails
// because it was slow.
//
//   - Raw: the store alone. Reading, updating, and 64 writers of one key and of 64 keys.
//   - Relay: messages through a Manager in both directions, for one customer and for many.
//     writes/op is the cost of a message, two by design. share-of-raw is messages per second
//     divided by the updates per second of the bare store with as many writers; with two writes per
//     message it is at most 0.5. tasks/op counts reads of conversations that were due by chance,
//     two writes each, which writes/op includes. p99/p50 compares the slowest of a hundred with the
//     median. The Manager has two workers per customer, so that the store is the limit and not
//     Config.Workers.
//   - Fake: messages from an agent's desk of genesystest to Deliver and from Forward to the desk,
//     with signed webhooks and receipts. The fake costs more than the engine, so this measures the
//     path, not the store.
//   - Sleeping: the same operation on a store with 100 sleeping sessions and on one with 100,000,
//     alternating. ratio is the median of the second divided by that of the first. heap-B/session
//     is the memory of a sleeping session in this process.
//   - Record: writing and reading one record that is new, after 20 and after 400 messages, and with
//     both lanes full. record-B is its size.
//
// STOREBENCH_SESSIONS replaces the 100,000, STOREBENCH_CUSTOMERS the 64.
package storebench
