package scenario_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestForwardInEveryState checks the result and the effect of Forward, and that a repeat with the
// same id does nothing.
func TestForwardInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		revision, sent := d.revision(t), d.calls("openmessaging.send")
		turn := d.forward(t, "m1")
		if d.over() && d.in != "waiting" && d.in != "returning" || d.in == "bot" {
			require.Equal(t, handover.TurnBot, turn)
			require.Equal(t, revision, d.revision(t), "nothing is stored")
			require.Equal(t, handover.TurnBot, d.forward(t, "m1"))
			d.settle(t)
			require.Equal(t, sent, d.calls("openmessaging.send"), "nothing is sent")
			require.Zero(t, d.written("m1"))
			return
		}
		require.Equal(t, handover.TurnAgent, turn)
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"), "a repeat has the first answer")
		require.Equal(t, handover.TurnAgent, d.forward(t, "m2"))
		d.settle(t)
		if d.agents() {
			require.Equal(t, 1, d.written("m1"), "the repeat is not sent")
			require.Equal(t, 1, d.written("m2"))
			require.Empty(t, d.unanswered())
			return
		}
		require.Zero(t, d.written("m1"), "no agent is there any more")
		require.Equal(t, []string{"m1", "m2"}, d.unanswered())
		ids := map[string]bool{}
		for _, r := range d.returned() {
			ids[r.ID] = true
		}
		require.Len(t, ids, len(d.returned()), "each Return has a separate id")
		if d.in == "returning" {
			require.GreaterOrEqual(t, len(d.returned()), 2, "what is written while Return runs is for the next one")
		} else {
			require.Len(t, d.returned(), 1)
		}
	})
}

// TestEndInEveryState checks End with every reason.
func TestEndInEveryState(t *testing.T) {
	t.Parallel()
	for _, reason := range []handover.EndReason{
		handover.EndByAgent, handover.EndByCustomer, handover.EndByBot, handover.EndNoAgent, handover.EndCustomerIdle,
		handover.EndAgentIdle, handover.EndMaxDuration, handover.EndByGenesys, handover.EndRefused, handover.EndFailed,
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			eachState(t, func(t *testing.T, d *apiDesk) {
				t.Helper()
				endIn(t, d, reason)
			})
		})
	}
}

func endIn(t *testing.T, d *apiDesk, reason handover.EndReason) {
	t.Helper()
	require.NoError(t, d.End(t.Context(), d.key, reason))
	if d.over() || d.in == "ending" {
		require.Equal(t, d.before, func() handover.Session { s, _ := d.Session(t.Context(), d.key); return s }(), "nothing changes")
		d.settle(t)
		if d.in == "ending" {
			require.Equal(t, handover.EndByBot, d.session(t).Ending.Reason, "the first reason stays")
		}
		return
	}
	if d.in == "bot" {
		require.Equal(t, handover.StateEnded, d.session(t).State, "no agent has to be waited for")
	} else {
		require.Equal(t, handover.StateEnding, d.session(t).State)
	}
	d.settle(t)
	s := d.session(t)
	require.Equal(t, handover.StateEnded, s.State)
	require.Equal(t, reason, s.Ending.Reason)
	require.Equal(t, d.before.ID, s.ID)
	require.Equal(t, "ended", d.org.Conversation(d.key.Customer).Phase(), "no agent opens an empty chat")
	if d.in == "bot" {
		require.Empty(t, d.returned(), "the bot had the conversation all along")
	} else {
		require.Len(t, d.returned(), 1)
		require.Equal(t, reason, d.returned()[0].Session.Ending.Reason)
	}
}

// TestEndRefusesAnUnknownReason checks that an unknown reason is an error in every state and
// names the fix.
func TestEndRefusesAnUnknownReason(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		err := d.End(t.Context(), d.key, "because")
		require.ErrorIs(t, err, handover.ErrInvalid)
		require.ErrorContains(t, err, "use one of the End constants")
	})
}

// TestTypingInEveryState checks that Typing sends at most once in 5 s, and only if an agent may
// see it.
func TestTypingInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		for range 3 {
			require.NoError(t, d.Typing(t.Context(), d.key))
		}
		want := 0
		if d.agents() {
			want = 1
		}
		require.Equal(t, want, d.calls("openmessaging.typing"))
		pass(6 * time.Second)
		require.NoError(t, d.Typing(t.Context(), d.key))
		require.Equal(t, want*2, d.calls("openmessaging.typing"))
	})
}

// TestForgetInEveryState checks that the record is removed at the latest when Genesys has
// confirmed the end and the host has taken the Return.
func TestForgetInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		if d.agents() || d.in == "waiting" {
			require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		}
		require.NoError(t, d.Forget(t.Context(), d.key))
		if d.in == "none" || d.in == "ended" {
			require.Equal(t, "none", d.state(t), "at once")
		}
		require.NoError(t, d.Forget(t.Context(), d.key), "again")
		d.settle(t)
		require.Equal(t, "none", d.state(t))
		require.Zero(t, d.revision(t))
		for r, err := range d.store.All(t.Context(), "") {
			require.NoError(t, err)
			require.Empty(t, r.Key, "no record stays")
		}
		if d.in == "none" {
			return
		}
		require.Equal(t, "ended", d.org.Conversation(d.key.Customer).Phase())
		if d.in == "bot" {
			require.Empty(t, d.returned())
			return
		}
		require.Len(t, d.returned(), 1, "the bot gets the conversation back")
		if d.in == "waiting" {
			require.Empty(t, d.unanswered(), "what was written is dropped")
		}
	})
}

// TestRecheckInEveryState checks Recheck of the conversation, of all, and of an unknown one: it
// only causes a read.
func TestRecheckInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		state, reads := d.state(t), d.calls("conversations.get")
		pass(2100 * time.Millisecond)
		for _, id := range []string{d.before.ConversationID, "", "no-such-conversation"} {
			require.NoError(t, d.Recheck(t.Context(), id))
		}
		if d.in == "waiting" {
			return // 2 s have passed
		}
		require.Equal(t, state, d.state(t))
		pass(4 * time.Second)
		require.Equal(t, state, d.state(t))
		if d.agents() {
			require.Greater(t, d.calls("conversations.get"), reads)
		}
		if d.over() || d.in == "bot" {
			require.Equal(t, reads, d.calls("conversations.get"), "nothing to look at")
		}
	})
}

// TestEveryCallRefusesInvalidKeys checks that every call with another channel or an invalid key
// is refused and changes nothing.
func TestEveryCallRefusesInvalidKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newAPIHost(t, genesystest.New(t), nil)
		for _, k := range []handover.Key{{}, {Channel: "other", Customer: "c"}, {Customer: "a\x00b"}} {
			ctx := t.Context()
			calls := map[string]func() error{
				"Forward": func() error { _, err := h.Forward(ctx, k, handover.Text("m", "m")); return err },
				"Reply": func() error {
					_, err := h.Reply(ctx, k, handover.Text("m", "m"), func(context.Context) error { panic("the bot spoke") })
					return err
				},
				"Turn":     func() error { _, err := h.Turn(ctx, k); return err },
				"HandOver": func() error { _, err := h.HandOver(ctx, k, handover.Request{ID: "r", Summary: "s"}); return err },
				"Open":     func() error { _, err := h.Open(ctx, k, handover.Request{ID: "r", Summary: "s"}); return err },
				"End":      func() error { return h.End(ctx, k, handover.EndByBot) },
				"Typing":   func() error { return h.Typing(ctx, k) },
				"Forget":   func() error { return h.Forget(ctx, k) },
				"Session":  func() error { _, err := h.Session(ctx, k); return err },
				"Fail":     func() error { return h.Fail(ctx, k, "d", "GeneralError") },
			}
			for name, call := range calls {
				err := call()
				require.ErrorContains(t, err, "handover: ", name)
				require.ErrorIs(t, err, handover.ErrInvalid, name)
				require.Equal(t, k.Channel == "other", errors.Is(err, handover.ErrNoChannel), name)
			}
		}
		for r, err := range h.store.All(t.Context(), "") {
			require.NoError(t, err)
			require.Empty(t, r.Key, "a record was stored")
		}
	})
}
