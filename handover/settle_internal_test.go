package handover

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// settle removes the head only if its seq matches, whoever holds the lease: a fact is a fact.
func TestAFactIsAFactButOnlyOnce(t *testing.T) {
	t.Parallel()
	t.Run("a message", func(t *testing.T) {
		t.Parallel()
		e := newEdit(fileIn(StateConnected))
		say(t, e, "1")
		say(t, e, "2")
		slow, quick := jobOn(t, e, toGenesys), jobOn(t, e, toGenesys)
		e.settleAs(quick, outcome{})
		e.settleAs(slow, outcome{})
		require.Equal(t, []string{"2"}, queued(e.file))
		require.Len(t, e.Tail, 1)
	})
	t.Run("a part", func(t *testing.T) {
		t.Parallel()
		e := newEdit(fileIn(StateConnected))
		picture := openmessaging.Attachment{URL: "https://example.com/a.png", MIME: "image/png"}
		_, err := e.forward(Message{ID: "1", Text: "look", Attachments: []openmessaging.Attachment{picture, picture}})
		require.NoError(t, err)
		slow, quick := jobOn(t, e, toGenesys), jobOn(t, e, toGenesys)
		e.settleAs(quick, outcome{})
		e.settleAs(slow, outcome{})
		require.Equal(t, 1, e.Out.Entries[0].Done, "the second part has not been sent")
		e.settleAs(slow, outcome{effect: effectAmbiguous, err: errors.New("reset")})
		require.Zero(t, e.Out.Entries[0].Attempts)
	})
	t.Run("a delivery", func(t *testing.T) {
		t.Parallel()
		e := newEdit(fileIn(StateConnected))
		comes(e, "1", 0)
		comes(e, "2", 1)
		slow, quick := jobOn(t, e, toHost), jobOn(t, e, toHost)
		e.settleAs(quick, outcome{})
		e.settleAs(slow, outcome{})
		require.Equal(t, []string{"2"}, lineup(e.file))
	})
}

// Sent messages stay in Tail until a later read shows a live agent: that they wait in a queue again answers for nothing, and an agent
// in the old conversation not for what may be in another.
func TestOnlyALiveAgentAnswers(t *testing.T) {
	t.Parallel()
	for _, moved := range []bool{false, true} {
		for _, p := range allPhases() {
			e := newEdit(fileIn(StateConnected))
			say(t, e, "words")
			sentAt(t, e, noon())
			if moved {
				e.apply(event{Kind: evMoved, Conversation: "other"})
			}
			e.now = noon().Add(settlePeriod + replicaSlack - 1)
			e.settleRead(&reading{began: e.now, standing: standing(p)})
			require.Len(t, e.Tail, 1, "the read may be older, and the clock of the replica that sent it behind")
			e.now = e.now.Add(1)
			e.settleRead(&reading{began: e.now, standing: standing(p)})
			live := p == genesys.PhaseConnected || p == genesys.PhaseParked
			require.Equal(t, live && !moved, len(e.Tail) == 0, "%s %v", p, moved)
		}
	}
}

func TestAnOpeningWithoutCertainty(t *testing.T) {
	t.Parallel()
	e := newEdit(&file{})
	e.notify = false
	asks(e, "bcdefghijkl3", StateRequested)
	say(t, e, "1")
	say(t, e, "2")
	e.Now.Tried = e.now
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectNotPerformed, err: genesys.ErrUnavailable})
	require.Zero(t, e.Now.Tried, "Genesys certainly never heard of it")
	e.Now.Tried = e.now
	for range 3 {
		e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectAmbiguous, err: genesys.ErrUnavailable})
	}
	require.Equal(t, StateRequested, e.Now.State)
	require.NotZero(t, e.Now.Tried)
	require.True(t, e.Out.NotBefore.After(e.now))
	e.now = noon().Add(2 * time.Minute)
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectAmbiguous, err: genesys.ErrUnavailable})
	require.Equal(t, EndFailed, e.Now.Ending.Reason)
	require.Contains(t, e.Now.Ending.Detail, "may stand in the bot queue")
	require.Equal(t, []string{"1", "2"}, texts(firstReturn(t, e.file).Back), "everything handed back in order")
}

// A message that nothing takes for 15 minutes fails the session; 429 and network are the channel's fault.
func TestAMessageByAge(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "1")
	e.now = noon().Add(15*time.Minute - 1)
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectNotPerformed, err: genesys.ErrUnavailable, retryAfter: time.Minute})
	require.Equal(t, StateConnected, e.Now.State)
	require.Equal(t, e.now.Add(time.Minute), e.Out.NotBefore)
	e.now = e.now.Add(time.Minute)
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectNotPerformed, err: genesys.ErrUnavailable})
	require.Equal(t, EndFailed, e.Now.Ending.Reason)
	require.Equal(t, []string{"1"}, texts(firstReturn(t, e.file).Back))
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	e := newEdit(&file{})
	for failures, want := range []int{0: 500, 1: 500, 2: 1000, 3: 2000, 4: 4000, 5: 8000, 6: 16000, 7: 30000, 100: 30000} {
		if want > 0 {
			require.Equal(t, time.Duration(want)*time.Millisecond, e.backoff(failures, outcome{}).Sub(e.now), failures)
		}
	}
	require.Equal(t, time.Hour, e.backoff(1, outcome{retryAfter: time.Hour}).Sub(e.now))
}

// Deliver: permanent, or 2 min → Failed receipt, notice.
func TestDeliveriesThatFail(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	comes(e, "1", 0)
	comes(e, "2", 1)
	e.settleAs(jobOn(t, e, toHost), outcome{err: Undeliverable(openmessaging.ReasonRateLimited, nil)})
	require.Equal(t, []string{"2", "messageFailed"}, lineup(e.file))
	require.Equal(t, openmessaging.ReasonRateLimited, e.Receipts[0].Code)
	require.Equal(t, "1", e.Receipts[0].ID)

	e.settleAs(jobOn(t, e, toHost), outcome{err: errors.New("no")})
	e.now = noon().Add(2*time.Minute - 1)
	e.settleAs(jobOn(t, e, toHost), outcome{err: errors.New("no")})
	require.Equal(t, "2", lineup(e.file)[0])
	e.now = e.now.Add(1)
	e.settleAs(jobOn(t, e, toHost), outcome{err: errors.New("no")})
	require.Equal(t, []string{"messageFailed", "messageFailed"}, lineup(e.file))
	require.Len(t, e.Receipts, 2)
}

func TestReceiptsThatFail(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.Now.PollAt = noon().Add(time.Second)
	e.receipt(receipt{ID: "1", Status: openmessaging.StatusFailed})
	e.receipt(receipt{ID: "2", Status: openmessaging.StatusFailed})
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyReceipt, err: genesys.ErrUnavailable})
	require.Equal(t, "2", e.nextReceipt().ID, "the others go on")
	require.Zero(t, e.Control.NotBefore, "and the reads")
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyReceipt})
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyReceipt, err: &waitError{after: time.Minute}})
	require.Equal(t, 1, e.Receipts[0].Tries, "a budget that is spent is no try")
	require.Equal(t, noon().Add(time.Minute), e.Receipts[0].At)
	for range maxReceiptTries - 1 {
		e.settleAs(jobOn(t, e, control), outcome{duty: dutyReceipt, err: genesys.ErrUnavailable})
	}
	require.Empty(t, e.Receipts)
	e.receipt(receipt{ID: "3"})
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyReceipt, err: &genesys.Error{StatusCode: 400}})
	require.Empty(t, e.Receipts, "Genesys will never take it")
}

// A timer that ends a session reads first.
func TestOnlyALookFiresTimers(t *testing.T) {
	t.Parallel()
	for duty, want := range map[dutyKind]State{dutyReceipt: StateQueued, dutyLook: StateEnding} {
		e := newEdit(fileIn(StateQueued))
		e.Now.Timers.NoAgent = time.Minute
		e.receipt(receipt{ID: "1"})
		e.settleAs(jobOn(t, e, control), outcome{duty: duty, read: &reading{began: noon(), standing: standing(genesys.PhaseQueued)}})
		require.Equal(t, want, e.Now.State, duty)
	}
}

func TestAdoptionNeedsALiveAgent(t *testing.T) {
	t.Parallel()
	answer := func(o outcome) *edit {
		e := newEdit(fileIn(StateEnded))
		e.Now.HandedBack = true
		e.Adopt = &adoption{Conversation: "older", From: "customer", At: noon(), Since: ago(time.Minute)}
		o.duty, o.known = dutyAdopt, &known{}
		e.settleAs(jobOn(t, e, control), o)
		return e
	}
	for _, p := range allPhases() {
		e := answer(outcome{read: &reading{began: noon(), standing: standing(p)}})
		live := p == genesys.PhaseConnected || p == genesys.PhaseParked
		require.Equal(t, live, e.open() != nil, p)
		require.Nil(t, e.Adopt)
		if live {
			require.True(t, e.Now.Resumed)
			require.Equal(t, StateConnected, e.Now.State)
			require.Equal(t, "older", e.Now.ConversationID)
			require.False(t, e.Now.PollAt.IsZero())
			require.Equal(t, []string{"agentJoined"}, lineup(e.file))
		}
	}
	require.NotNil(t, answer(outcome{err: ErrNoChannel}).Adopt, "no channel for now: asked again")
	require.NotNil(t, answer(outcome{err: genesys.ErrUnavailable, read: &reading{err: genesys.ErrUnavailable}}).Adopt)
	require.Nil(t, answer(outcome{err: genesys.ErrForbidden, read: &reading{err: genesys.ErrForbidden, blind: true}}).Adopt)
}

// The agent's only word that the customer has left is sent even when the lane took its ten seconds.
func TestLeftTextIsNotDrained(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateEnding))
	e.Now.EndAsked = ago(drainPatience)
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyLook, tried: true, refused: genesys.ErrForbidden, leftText: "left"})
	require.Equal(t, StateEnding, e.Now.State)
	require.Equal(t, kindLeft, e.Out.Entries[0].Kind)
	e.settleAs(jobOn(t, e, toGenesys), outcome{})
	require.Equal(t, StateEnded, e.Now.State)
	require.Equal(t, CodeNotDisconnected, e.Now.Ending.Code)
	require.Empty(t, e.Out.Entries)
}

func TestTheEndWaitsForWords(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	for _, text := range []string{"1", "2", "3"} {
		say(t, e, text)
	}
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})
	e.now = noon().Add(10*time.Second - 1)
	e.tidy()
	require.Len(t, e.Out.Entries, 3)
	j := jobOn(t, e, toGenesys)
	e.now = e.now.Add(1)
	e.tidy()
	require.Equal(t, []string{"1"}, queued(e.file), "the one that is being sent stays")
	require.Equal(t, []string{"2", "3"}, []string{e.Held[0].Unanswered.Text, e.Held[1].Unanswered.Text})
	e.settleAs(j, outcome{effect: effectNotPerformed, err: genesys.ErrUnavailable})
	ends(e, e.now)
	require.Equal(t, []string{"1", "2", "3"}, texts(firstReturn(t, e.file).Back))
}
