package handover

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// ends is a look that shows the end, with what was fetched of what is missing.
func (e *edit) ends(t *testing.T, fetch bool, refs ...genesys.MessageRef) {
	t.Helper()
	j := jobOn(t, e, control)
	o := e.listed(refs...)
	o.read.standing, o.end = standing(genesys.PhaseEnded), true
	o.asked = j.file.gapOf(o.read, j.file.Now.Tried, j.file.Now.listing, true).missing
	if o.stored = storedOf(o.asked); !fetch {
		o.stored, o.gapErr = nil, refusedWith(503)
	}
	e.settleAs(j, o)
	require.Nil(t, e.open())
}

// checks is the duty that looks once more, at the time it is due. A nil error answers with what is missing.
func (e *edit) checks(t *testing.T, gapErr, readErr error, refs ...genesys.MessageRef) {
	t.Helper()
	e.Adopt = nil // late words ask who is there
	kind, at := e.duty()
	require.Equal(t, dutyCheck, kind)
	e.now = later(e.now, at)
	j := jobOn(t, e, control)
	o := e.listed(refs...)
	o.duty, o.read.standing, o.read.err, o.err, o.gapErr = dutyCheck, standing(genesys.PhaseEnded), readErr, readErr, gapErr
	if readErr == nil {
		o.asked = j.file.gapOf(o.read, j.file.Check.Since, j.file.Check.listing, true).missing
	}
	if gapErr == nil {
		o.stored = storedOf(o.asked)
	}
	e.settleAs(j, o)
}

// taken is what the host is given, as long as something waits.
func (e *edit) taken() (list []string) {
	for len(e.In.Entries) > 0 {
		switch x := e.In.remove(0); {
		case x.Delivery != nil:
			list = append(list, x.Delivery.ID)
		case x.Notice != nil && x.Notice.Kind == NoticeGap:
			list = append(list, "gap: "+x.Notice.Detail)
		case x.Kind == kindReturn:
			list = append(list, "back")
		}
	}
	return list
}

// More than one call can bring is missing at the end.
func TestALongGapAtTheEndIsRepairedToTheEnd(t *testing.T) {
	t.Parallel()
	n := 8*genesys.MaxBulkMessages - 1
	e, refs := gapped(n)
	e.ends(t, true, refs...)
	list := e.taken()
	for e.Check != nil {
		before := e.now
		e.checks(t, nil, nil, refs...)
		require.LessOrEqual(t, e.now.Sub(before), readPause)
		list = append(list, e.taken()...)
	}
	require.Len(t, list, n+1)
	require.Equal(t, fmt.Sprint("missed ", n-1), list[n])
}

// The read before a message of the customer shows the end: agents' last words are missing all the same.
func TestAnEndThatAMessageMeetsHasItsGap(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.queue(Text("m1", "still there?"))
	e.now = e.now.Add(time.Second)
	j := jobOn(t, e, toGenesys)
	o := e.listed(refs...)
	o.duty, o.read.standing, o.effect = dutyNone, standing(genesys.PhaseEnded), effectHeld
	e.settleAs(j, o)
	require.Nil(t, e.open())
	e.checks(t, nil, nil, refs...)
	require.Less(t, e.now.Sub(j.began), returnHold)
	require.Nil(t, e.Check)
	require.Equal(t, []string{"missed 0", "back"}, e.taken())

	e, refs = gapped(0)
	e.queue(Text("m1", "still there?"))
	j = jobOn(t, e, toGenesys)
	o.read.messages = refs
	e.settleAs(j, o)
	require.Nil(t, e.Check, "nothing is missing")
}

// A check is for the conversation it looked at, and is settled once.
func TestACheckIsSettledOnce(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.ends(t, false, refs...)
	e.now = e.Check.At
	j := jobOn(t, e, control)
	err := refusedWith(503)
	o := outcome{duty: dutyCheck, err: err, read: &reading{began: e.now, err: err}}
	e.settleAs(j, o)
	require.Equal(t, 1, e.Check.Tries)
	e.settleAs(j, o)
	require.Equal(t, 1, e.Check.Tries, "after an unknown outcome")
	other := &check{Conversation: "another", From: "customer", Since: e.now, At: j.file.Check.At}
	e.Check = other
	o = e.listed()
	o.duty = dutyCheck
	e.settleAs(j, o)
	require.NotNil(t, e.Check)
	require.Zero(t, e.Check.Tries)
}

// What the last looks do not bring is reported, and a share of the budget that is spent is no look.
func TestACheckEndsWithAWord(t *testing.T) {
	t.Parallel()
	e, refs := gapped(2)
	e.ends(t, false, refs...)
	require.Equal(t, []string{"back"}, e.taken())
	for range 3 {
		e.checks(t, &waitError{after: time.Minute}, nil, refs...)
		e.checks(t, nil, &waitError{after: time.Minute}, refs...)
	}
	require.Zero(t, e.Check.Tries)
	for range maxCheckTries {
		require.Empty(t, e.taken())
		e.checks(t, refusedWith(503), nil, refs...)
	}
	require.Nil(t, e.Check)
	list := e.taken()
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
}

// A last word that a webhook may still bring is waited for, whichever read showed the end.
func TestACheckWaitsForWebhooks(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.queue(Text("m1", "still there?"))
	young := refAt("young", e.now.Add(-time.Second))
	j, o := jobOn(t, e, toGenesys), e.listed(young)
	o.duty, o.read.standing, o.effect = dutyNone, standing(genesys.PhaseEnded), effectHeld
	e.settleAs(j, o)
	require.Equal(t, []string{"back"}, e.taken())
	e.Check.At = e.now.Add(time.Minute)
	e.checks(t, nil, nil, young)
	require.NotNil(t, e.Check)
	require.Empty(t, e.taken())
	for e.Check != nil {
		e.checks(t, nil, nil, young)
	}
	require.Equal(t, []string{"young"}, e.taken())
}

// Nor is it forgotten when the last look does not even read.
// What the next session in the same conversation misses is its own business.
// The last word of an agent of before, which came when no session was open, is not taken for one that is missing.
// A webhook of the last conversation, before it is known that the opening has revived it, tells of its ids, too.
// A webhook that comes after the end tells that ids differ as well as one before.
func TestACheckOfWhatMayNotBeReadEnds(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.ends(t, false, refs...)
	e.checks(t, nil, refusedWith(403))
	require.Nil(t, e.Check)
}

// That a message went elsewhere is stored while the old conversation is read: then the read is its end, though it began as none.
// A session that ends soon after another one takes nothing of what that one still misses.
