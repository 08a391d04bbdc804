package handover

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// sentMany sends n messages that nobody answers.
func sentMany(t *testing.T, s State, n int) *edit {
	t.Helper()
	e := newEdit(fileIn(s))
	e.notify = true
	for i := range n {
		say(t, e, strconv.Itoa(i))
		sentAt(t, e, noon())
	}
	return e
}

func notKept(e *edit) []string {
	var ids []string
	for _, x := range e.In.Entries {
		if x.Notice != nil && x.Notice.Kind == NoticeMessageFailed {
			ids = append(ids, x.Notice.MessageID)
		}
	}
	return ids
}

// The text of 20 sent messages is kept. Those before come back by name at least: nothing disappears in silence.
func TestWhatIsTooMuchToHandBackIsNamed(t *testing.T) {
	t.Parallel()
	e := sentMany(t, StateQueued, tailEntries+3)
	require.Empty(t, notKept(e), "an agent may still come")
	first := []string{e.Cut[0].Host, e.Cut[1].Host, e.Cut[2].Host}
	ends(e, noon().Add(time.Minute))
	require.Len(t, firstReturn(t, e.file).Back, tailEntries)
	require.Equal(t, first, notKept(e))
	require.Empty(t, e.Cut)
}

func TestWhatAnAgentAnsweredIsNotNamed(t *testing.T) {
	t.Parallel()
	e := sentMany(t, StateConnected, tailEntries+3)
	e.settleRead(&reading{began: noon().Add(time.Minute), standing: standing(genesys.PhaseConnected)})
	require.Empty(t, e.Cut)
	ends(e, noon().Add(2*time.Minute))
	require.Empty(t, notKept(e))
}

func TestWhatIsNamedIsBoundedToo(t *testing.T) {
	t.Parallel()
	e := sentMany(t, StateQueued, tailEntries+maxCut+2)
	require.Len(t, e.Cut, maxCut)
	require.Len(t, notKept(e), 2, "these are named at once")
}
