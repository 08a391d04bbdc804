// Package storebench measures what a handover.Store costs a whole Manager. Benchmarks of a store call [Run]:
//
//	go test -run '^$' -bench . ./internal/storebench
//
// Every number that is compared is a ratio against a floor measured in the same run, on the same store: machines differ,
// and so does one machine from one minute to the next. Nothing here fails because it was slow.
//
//   - Raw: the store alone. Reading, updating, and 64 writers of one key and of as many keys.
//   - Relay: messages through a Manager, both directions, one customer and many. writes/op is what a message costs, two by
//     design; share-of-raw is messages a second, divided by the updates a second that the bare store makes with as many
//     writers: with two writes a message it cannot pass 0.5. duties/op are reads of conversations that happened to be due,
//     two writes each, which writes/op contains. p99/p50 is how much longer than half of them the slowest in a hundred took.
//     The Manager has two workers a customer, so that the store is measured and not Config.Workers.
//   - Fake: messages from an agent's desk of genesystest to Deliver and from Forward to the desk, with signed webhooks and
//     receipts. The fake costs more than the engine, so this shows the path, not the store.
//   - Sleeping: the same operation on a store with 100 sleeping sessions and on one with 100,000, in turns; ratio is the
//     median of the second over that of the first. heap-B/session is what sleeping sessions take in this process.
//   - Record: writing and reading one record fresh, after 20 and after 400 messages, and with both lanes full; record-B is
//     its size.
//
// STOREBENCH_SESSIONS changes the 100,000, STOREBENCH_CUSTOMERS the 64.
package storebench
