// Package storetest tests the contract of a [handover.Store]. The author of any store can run it;
// it needs only the standard library:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) handover.Store { return newEmptyStore(t) })
//	}
//
// Run it with -race, too. The contract allows stale reads, such as those from a replica of a
// database. The suite expects that reads return what was written, as a store does that reads from
// its primary.
package storetest
