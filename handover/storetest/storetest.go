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

// Run tests the stores that open returns, with one subtest for each part of the contract. Each call
// of open must return a new, empty store; it may use t.Cleanup to remove it, t.Parallel and t.Skip.
// Run makes about 15,000 writes, 10,000 of them by 64 concurrent writers, or 6,000 with -short, so
// a store that waits for a disk takes a while.
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

// A part of the contract with its test.
type part struct {
	name string
	test func(*suite)
}

// run runs the test of a store and fails if it does not end. Without this, a deadlock of the store
// would only cause a timeout of the whole test binary.
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
		{"DueOfAChannel", dueOfAChannel},
		{"DuePages", duePages},
		{"DueBehindACursor", dueBehindACursor},
		{"FindFollowsChanges", findFollowsChanges},
		{"FindOfASharedConversation", findOfASharedConversation},
		{"FindByChannel", findByChannel},
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
