// Package storetest is the contract of a [handover.Store] as tests that the author of any store can run.
//
// It needs the standard library alone. A test of a store is one line:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) handover.Store { return newEmptyStore(t) })
//	}
//
// Run it with -race too. The contract allows reads to be stale, as they are from a replica of a database. The suite reads
// from where it wrote, so there it expects what was written: what a store on its primary gives.
package storetest

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

const (
	manyRecords = 10_000          // in the test of Due
	someRecords = 700             // more than most stores read at once
	patience    = 5 * time.Minute // after which a call is taken for one that never returns
)

// Run tests the stores that open returns, one subtest for each part of the contract. Each call of open gives a fresh, empty
// store; it may use t.Cleanup to remove it, t.Parallel to run beside others, and t.Skip. A store that is safe in production
// waits for a disk: the suite makes about 15,000 writes, 10,000 of them through 64 writers at once; with -short 6,000.
func Run(t *testing.T, open func(t *testing.T) handover.Store) {
	t.Helper()
	for _, c := range contract() {
		t.Run(c.name, func(t *testing.T) {
			many := manyRecords
			if testing.Short() {
				many /= 10
			}
			c.run(t, open(t), many, patience)
		})
	}
}

// A part of the contract, with the test of it.
type part struct {
	name string
	test func(*suite)
}

// run tests a store, and fails if that does not end: a store that deadlocks would otherwise only show when the whole test binary
// times out.
func (p part) run(t tb, store handover.Store, many int, patience time.Duration) {
	t.Helper()
	guarded := &guard{tb: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.test(&suite{tb: guarded, store: store, many: many})
	}()
	select {
	case <-done:
	case <-time.After(patience):
		guarded.close()
		t.Errorf("a call of the store has not returned for %s. Does it wait for a lock or a connection that it holds itself, "+
			"for instance while the body of a loop over All writes?", patience)
	}
}

func contract() []part {
	return []part{
		{"NotFound", notFound},
		{"CreateAndReplace", createAndReplace},
		{"CreateOnlyOnce", createOnlyOnce},
		{"PutComparesRevisions", putComparesRevisions},
		{"PutOfAnAbsentRecord", putOfAnAbsentRecord},
		{"DeleteComparesRevisions", deleteComparesRevisions},
		{"PausedWriter", pausedWriter},
		{"LargestRevisions", largestRevisions},
		{"ManyWritersOfOneRecord", manyWritersOfOneRecord},
		{"ManyCreatorsOfOneRecord", manyCreatorsOfOneRecord},
		{"PutAgainstDelete", putAgainstDelete},
		{"CopiesWhatItTakes", copiesWhatItTakes},
		{"CopiesWhatItGives", copiesWhatItGives},
		{"WakeAt", wakeAt},
		{"DueBoundary", dueBoundary},
		{"DueFollowsChanges", dueFollowsChanges},
		{"DueOrderAndLimit", dueOrderAndLimit},
		{"FindFollowsChanges", findFollowsChanges},
		{"FindOfASharedConversation", findOfASharedConversation},
		{"FindMisses", findMisses},
		{"AllByChannel", allByChannel},
		{"AllDuringChanges", allDuringChanges},
		{"AllAndItsLoopBody", allAndItsLoopBody},
		{"AllLeftEarly", allLeftEarly},
		{"CancelledBefore", cancelledBefore},
		{"CancelledDuringAll", cancelledDuringAll},
		{"KeysByteByByte", keysByteByByte},
		{"ReservedKey", reservedKey},
		{"DataOfAnyBytes", dataOfAnyBytes},
		{"LargeData", largeData},
	}
}
