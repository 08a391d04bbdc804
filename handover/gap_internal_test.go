package handover

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// listed is a read at the time of an edit that shows an agent and lists messages.
func (e *edit) listed(refs ...genesys.MessageRef) outcome {
	return outcome{duty: dutyLook, read: &reading{began: e.now, standing: standing(genesys.PhaseConnected), messages: refs}}
}

func refAt(id string, at time.Time) genesys.MessageRef {
	return genesys.MessageRef{ID: id, Status: "delivery-failed", Time: at}
}

// storedOf is what Genesys kept of messages.
func storedOf(refs []genesys.MessageRef) []genesys.StoredMessage {
	var list []genesys.StoredMessage
	for _, ref := range refs {
		list = append(list, genesys.StoredMessage{
			ID: ref.ID, Outbound: true, Time: ref.Time, Message: openmessaging.Outbound{
				ID: ref.ID, Time: ref.Time, CustomerID: "customer", Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: ref.ID},
			},
		})
	}
	return list
}

// repair looks again and again, with a host that takes all at once, until nothing is missing, and says what was delivered.
func (e *edit) repair(t *testing.T, refs []genesys.MessageRef, reads int) (delivered []string) {
	t.Helper()
	for range reads {
		j := jobOn(t, e, control)
		o := e.listed(refs...)
		o.asked = j.file.gapOf(o.read, j.file.Now.Tried, j.file.Now.listing, false).missing
		o.stored = storedOf(o.asked)
		e.settleAs(j, o)
		for len(e.In.Entries) > 0 {
			if d := e.In.remove(0).Delivery; d != nil {
				delivered = append(delivered, d.ID)
			}
		}
		e.now = e.now.Add(readPause)
	}
	return delivered
}

// However many messages an outage took, each is fetched once, and none that a webhook brought comes again.
func TestALongGapIsRepairedToTheEnd(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]time.Duration{"an hour": 12 * time.Second, "some minutes": 2 * time.Second} {
		for _, n := range []int{60, 140, 290, 1000} {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				t.Parallel()
				e := newEdit(fileIn(StateConnected))
				span := time.Duration(n+60) * apart
				e.Now.Tried = noon().Add(-span - 30*time.Minute)
				e.Now.Reached = true
				var refs []genesys.MessageRef
				var want []string
				for i := range 40 {
					ref := refAt(fmt.Sprint("heard ", i), noon().Add(-span-20*time.Minute+time.Duration(i)*time.Second))
					e.Heard.remember(ref.ID, heard, ref.Time)
					refs = append(refs, ref)
				}
				for i := range n {
					ref := refAt(fmt.Sprint("missed ", i), noon().Add(-span+time.Duration(i)*apart))
					refs, want = append(refs, ref), append(want, ref.ID)
				}
				for i := range 10 {
					ref := refAt(fmt.Sprint("heard later ", i), noon().Add(-time.Minute+time.Duration(i)*time.Second))
					e.Heard.remember(ref.ID, heard, ref.Time)
					refs = append(refs, ref)
				}
				got := e.repair(t, refs, n/genesys.MaxBulkMessages+3)
				require.Len(t, got, n)
				require.Equal(t, want, got)
			})
		}
	}
}

// One look with what Genesys said to the question for what is missing.
func (e *edit) look(t *testing.T, err error, refs ...genesys.MessageRef) {
	t.Helper()
	j := jobOn(t, e, control)
	o := e.listed(refs...)
	o.asked, o.gapErr = j.file.gapOf(o.read, j.file.Now.Tried, j.file.Now.listing, false).missing, err
	if err == nil {
		o.stored = storedOf(o.asked)
	}
	e.settleAs(j, o)
}

// gapped is a session in which one message came and a later one did not.
func gapped(missing int) (e *edit, refs []genesys.MessageRef) {
	e = newEdit(fileIn(StateConnected))
	e.Now.Reached = true
	refs = append(refs, refAt("heard", ago(8*time.Minute)))
	e.Heard.remember("heard", heard, ago(8*time.Minute))
	for i := range missing {
		refs = append(refs, refAt(fmt.Sprint("missed ", i), ago(5*time.Minute).Add(time.Duration(i)*time.Millisecond)))
	}
	return e, refs
}

func (e *edit) says(id string) entry {
	o := &openmessaging.Outbound{
		ID: id, CustomerID: "customer", ConversationID: "conversation", Time: e.now, Origin: openmessaging.OriginHuman,
	}
	e.Heard.remember(o.ID, heard, e.now)
	e.hear(o, openmessaging.Message{Text: id}, e.arrives(o))
	return e.In.Entries[len(e.In.Entries)-1]
}

func refusedWith(status int) error {
	return &genesys.Error{Op: "conversations.messages", StatusCode: status}
}

// While messages cannot be fetched for now, they are not asked for without a pause, and hold nothing up.
func TestAGapThatCannotBeRepairedNowHoldsNothingUp(t *testing.T) {
	t.Parallel()
	e, refs := gapped(genesys.MaxBulkMessages + 10)
	for range 10 {
		e.look(t, refusedWith(503), refs...)
		require.True(t, e.Now.Poll, "only time is a reason to ask again")
		e.now = e.Now.PollAt
	}
	require.GreaterOrEqual(t, e.Now.PollEvery, 30*time.Second)
	require.Zero(t, e.says("new").NotBefore)
	require.True(t, e.Now.Poll)
	e.In = lane{}
	e.look(t, nil, refs...)
	require.Len(t, e.In.Entries, genesys.MaxBulkMessages)
	require.Equal(t, e.now.Add(readPause), e.Now.PollAt, "and the others")
}

// What Genesys refuses for good is reported as what it forbids is.
func TestAGapThatIsRefusedIsReported(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 404, 405, 422} {
		e, refs := gapped(3)
		e.look(t, refusedWith(status), refs...)
		require.Len(t, e.In.Entries, 1, status)
		require.Equal(t, NoticeGap, e.In.Entries[0].Notice.Kind)
		require.Contains(t, e.In.Entries[0].Notice.Detail, "3 messages")
		e.now = e.now.Add(time.Minute)
		e.look(t, refusedWith(status), refs...)
		require.Len(t, e.In.Entries, 1, "once")
		require.Zero(t, e.Now.Gap)
	}
}

// In blind mode nothing says any more that a gap is closed.
func TestBlindModeHoldsNothingBehindAGap(t *testing.T) {
	t.Parallel()
	e, refs := gapped(1)
	e.look(t, nil, refs...)
	require.NotZero(t, e.Now.Gap)
	require.Equal(t, e.now.Add(gapHold), e.says("held").NotBefore)
	err := refusedWith(403)
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyLook, read: &reading{began: e.now, blind: true, err: err}, err: err})
	require.True(t, e.Now.Blind)
	at := e.Now.PollAt
	require.Zero(t, e.says("not held").NotBefore)
	require.Equal(t, at, e.Now.PollAt, "it may not be read")
}

// A read is often faster than the webhook of the message that it lists. That is no gap.
func TestAMessageOnItsWayIsNoGap(t *testing.T) {
	t.Parallel()
	for _, proven := range []bool{true, false} {
		begin := func() (*edit, []genesys.MessageRef) {
			e, refs := gapped(0)
			if !proven {
				e.Now.Reached, refs, e.Heard = false, nil, nil
			}
			return e, refs
		}
		e, refs := begin()
		e.look(t, nil, append(refs, refAt("on its way", e.now.Add(-time.Second)))...)
		require.Zero(t, e.says("on its way").NotBefore)
		e, refs = begin()
		e.look(t, nil, append(refs, refAt("late", e.now.Add(-webhookSlow)))...)
		require.NotZero(t, e.says("after it").NotBefore, "that should have come by now")
	}
}

// What Genesys keeps waits there while the lane to the host is full: it is not refused as a webhook's message is.
func TestAGapWaitsForRoom(t *testing.T) {
	t.Parallel()
	e, refs := gapped(10)
	for range inEntries - 4 {
		e.In.push(entry{Seq: e.next(), Kind: kindDelivery, At: e.now, Delivery: &delivery{ID: "before"}})
	}
	e.look(t, nil, refs...)
	require.Len(t, e.In.Entries, inEntries)
	require.Empty(t, e.Receipts)
	require.True(t, e.Now.Poll)
	e.now = e.now.Add(time.Minute)
	e.look(t, nil, refs...)
	require.Len(t, e.In.Entries, inEntries)
	for range inEntries {
		e.In.remove(0)
	}
	e.look(t, nil, refs...)
	require.Len(t, e.In.Entries, 6)
	require.Equal(t, "missed 4", e.In.Entries[0].Delivery.ID)
	e.look(t, nil, refs...)
	require.Len(t, e.In.Entries, 6, "once")
}

// A courtesy of Genesys that fails is no fault of the channel: messages go on.
func TestAFetchThatFailsIsNoFaultOfTheChannel(t *testing.T) {
	t.Parallel()
	a := newAccount(newShell())
	for range 2 * breakerFailures {
		require.Error(t, a.do(t.Context(), shareReads, blameless(func(context.Context) error { return refusedWith(503) })))
	}
	require.NoError(t, a.do(t.Context(), shareMessages, func(context.Context) error { return nil }))
	require.Error(t, a.do(t.Context(), shareReads, blameless(func(context.Context) error { return refusedWith(429) })))
	require.Error(t, a.do(t.Context(), shareMessages, func(context.Context) error { return nil }), "too much is too much")
}

// An adopted session began with a webhook. Where reads name its message otherwise, it is not missing, and neither is what an earlier
// session in the conversation was told.
func TestAnAdoptedSessionHasNoGapByOtherIDs(t *testing.T) {
	t.Parallel()
	for name, wrote := range map[string]time.Time{"with a time": ago(time.Second), "without": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdit(&file{Format: fileFormat, Created: 1, Touched: noon()})
			o := &openmessaging.Outbound{
				ID: "webhook", CustomerID: "customer", ConversationID: "conversation", Time: wrote, Origin: openmessaging.OriginHuman,
			}
			e.Heard.remember(o.ID, heard, e.now)
			e.hear(o, openmessaging.Message{Text: "hello"}, e.arrives(o))
			e.now = e.now.Add(adoptPause)
			j := jobOn(t, e, control)
			r := &reading{began: e.now, standing: standing(genesys.PhaseConnected)}
			e.settleAs(j, outcome{duty: dutyAdopt, read: r, known: &known{}})
			require.Equal(t, StateConnected, e.Now.State)
			e.now = e.now.Add(2 * time.Minute)
			e.look(t, nil, refAt("earlier", ago(time.Hour)), refAt("read", ago(time.Second)))
			e.look(t, nil, refAt("earlier", ago(time.Hour)), refAt("webhook", ago(time.Second)))
			for _, x := range e.In.Entries {
				require.True(t, x.Delivery == nil || x.Delivery.ID == "webhook")
			}
		})
	}
}

// What the session before was told by webhooks is not missing in the next one, where reads name it otherwise.
func TestTheNextSessionHasNoGapByOtherIDs(t *testing.T) {
	t.Parallel()
	e, _ := gapped(0)
	e.says("webhook")
	e.ends(t, true, refAt("read", ago(time.Second)))
	next := coreIn(StateConnected)
	next.ID, next.Tried = "next22222222", e.now.Add(settlePeriod/2)
	e.install(next)
	e.now = e.now.Add(2 * time.Minute)
	e.look(t, nil, refAt("read", noon()))
	for _, x := range e.In.Entries {
		require.True(t, x.Delivery == nil || x.Delivery.ID == "webhook")
	}
}
