package engine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// A full page of due records leads to the next one. A page that is not full, one that ends with
// records not yet due, and the page of a store that ignores the cursor do not, so that Run waits.
func TestDueQueryNext(t *testing.T) {
	t.Parallel()
	page := []record.Stored{{Key: machine.Key{Customer: "a"}, WakeAt: noon().Add(-2 * time.Microsecond).Std()}, {Key: machine.Key{Customer: "b"}, WakeAt: noon().Std()}}
	second := DueCursor{WakeAt: noon().Std(), Key: machine.Key{Customer: "b"}}
	c, more := DueQuery{Limit: 2}.next(page, noon().Std())
	require.Equal(t, second, c)
	require.True(t, more)
	for name, q := range map[string]DueQuery{"not full": {Limit: 3}, "the same page": {Limit: 2, After: second}} {
		_, more = q.next(page, noon().Std())
		require.False(t, more, name)
	}
	_, more = DueQuery{Limit: 2}.next(page, noon().Add(-time.Microsecond).Std())
	require.False(t, more, "the last one sleeps")
	_, more = DueQuery{}.next(nil, noon().Std())
	require.False(t, more)
}
