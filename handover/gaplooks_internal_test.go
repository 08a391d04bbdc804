package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// Last looks at several sessions, and what webhooks tell of ids that differ.

func TestACheckThatCannotReadAtLastEndsWithAWord(t *testing.T) {
	t.Parallel()
	e, refs := gapped(2)
	e.ends(t, false, refs...)
	e.taken()
	for range maxCheckTries - 1 {
		e.checks(t, refusedWith(503), nil, refs...)
	}
	e.checks(t, nil, refusedWith(503))
	require.Nil(t, e.Check)
	list := e.taken()
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
}

func TestACheckReportsNothingOfTheNextSession(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.ends(t, false, refs...)
	c := coreIn(StateConnected)
	c.ID, c.Tried = "second", e.now.Add(time.Minute)
	e.install(c)
	e.taken()
	refs = append(refs, genesys.MessageRef{ID: "of the second", Time: e.now.Add(time.Minute)})
	for e.Check != nil {
		e.Now.PollAt = time.Time{}
		e.checks(t, refusedWith(503), nil, refs...)
	}
	list := e.taken()
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 1 messages")
}

func TestOtherIDsOfBeforeTheOpening(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	r := e.listed(refAt("other", e.Now.Tried.Add(-time.Second))).read
	r.began = e.now.Add(webhookLife)
	require.Empty(t, e.gapOf(r, e.Now.Tried, e.Now.listing, true).missing)
}

func TestOtherIDsOfAConversationThatIsNotNamedYet(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateRequested))
	e.Past = []past{{Session: e.Now.Session, From: e.Now.From}}
	e.Now.ConversationID, e.Now.Resumed = "", false
	e.says("its own")
	e.apply(event{Kind: evNamed, Conversation: "conversation", Resumed: true})
	r := e.listed(refAt("other", e.now)).read
	r.began = e.now.Add(webhookLife)
	require.Empty(t, e.gapOf(r, e.Now.Tried, e.Now.listing, true).missing)
}

func TestACheckKnowsOtherIDsByWhatCameSince(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	ref := genesys.MessageRef{ID: "other", Time: e.now.Add(-time.Second)}
	e.ends(t, true, ref)
	e.now = e.now.Add(20 * time.Second)
	e.says("its own")
	require.Len(t, e.taken(), 2)
	e.checks(t, refusedWith(403), nil, ref)
	require.Nil(t, e.Check)
	require.Empty(t, e.taken())
}

func TestAnEndThatAMoveMeetsHasItsGap(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.Now.Wrote = e.now
	j := jobOn(t, e, control)
	o := e.listed(refs...)
	o.read.standing, o.gapErr = standing(genesys.PhaseEnded), refusedWith(503)
	e.apply(event{Kind: evMoved, Conversation: "another"})
	e.settleAs(j, o)
	require.Nil(t, e.open())
	e.checks(t, nil, nil, refs...)
	require.Equal(t, []string{"missed 0", "back"}, e.taken())
}

func TestTwoEndsAreBothChecked(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.ends(t, false, refs...)
	c := coreIn(StateConnected)
	c.ID, c.ConversationID, c.Tried = "second", "another", e.now
	e.install(c)
	e.Now.listing = listing{Reached: true, Proven: true}
	e.now = e.now.Add(time.Minute)
	next := genesys.MessageRef{ID: "next", Time: e.now.Add(-webhookSlow)}
	e.ends(t, false, next)
	e.taken()
	e.checks(t, nil, nil, refs...)
	require.Equal(t, []string{"missed 0"}, e.taken())
	e.checks(t, nil, nil, next)
	require.Equal(t, []string{"next"}, e.taken())
	require.Nil(t, e.Check)
	require.Empty(t, e.Checks)
}

// What a look has brought is not missing any more when the last one cannot read.
func TestACheckReportsNothingThatItBrought(t *testing.T) {
	t.Parallel()
	e, refs := gapped(2)
	refs, e.Heard, e.Now.Reached = refs[1:], nil, false
	e.ends(t, false, refs...)
	e.taken()
	e.checks(t, refusedWith(503), nil, refs...)
	require.Equal(t, 2, e.Check.Left)
	e.checks(t, nil, nil, append(refs, refAt("young", e.Check.At))...)
	for e.Check != nil {
		e.checks(t, nil, refusedWith(503))
	}
	require.Equal(t, []string{"missed 0", "missed 1"}, e.taken())
}
