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

// TestMessagesBeforeTheReturnAreInIt checks that messages of the customer between the end and the
// Return are in that Return, in order, and that the bot does not answer before it.
func TestMessagesBeforeTheReturnAreInIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := signalled(t)
		pass(time.Minute)
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		require.Empty(t, h.lines(), "held for words on their way")
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.says(t, "c1", "m2", "two", handover.TurnAgent)
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.until(t, 1)
		require.Equal(t, []string{"back: agent [one two]"}, h.lines())
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		h.says(t, "c1", "m3", "three", handover.TurnBot)
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		require.Empty(t, postsOf(t, org, "one"))
	})
}

// TestMessagesDuringAReturnAreInTheNext checks that the bot has the turn while Return runs, and
// that messages are stored for the next Return.
func TestMessagesDuringAReturnAreInTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		turns := make(chan handover.Turn, 3)
		h.returning(func(ctx context.Context, _ handover.Return) error {
			if h.tries("back:") > 1 {
				return nil
			}
			k := handover.Customer("c1")
			inside, err := h.desk.Turn(ctx, k)
			first, err1 := h.desk.Forward(ctx, k, handover.Text("m1", "during"))
			wait(time.Second)
			second, err2 := h.desk.Forward(ctx, k, handover.Text("m2", "during too"))
			turns <- inside
			turns <- first
			turns <- second
			return errors.Join(err, err1, err2)
		})
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"back: agent []", "back: agent [during during too]"}, h.lines())
		require.Equal(t, handover.TurnBot, <-turns, "the host may answer from inside")
		require.Equal(t, handover.TurnAgent, <-turns)
		require.Equal(t, handover.TurnAgent, <-turns)
		back := h.returned()
		require.NotEqual(t, back[0].ID, back[1].ID)
		require.Equal(t, back[0].Session.ID, back[1].Session.ID)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestReturnIsRetriedWithTheSameID checks that a Return is repeated with the same id. Between
// attempts the bot may answer its messages, and new ones are stored for the next Return.
func TestReturnIsRetriedWithTheSameID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		ids := map[string]int{}
		h.returning(func(_ context.Context, r handover.Return) error {
			if ids[r.ID]++; len(ids) == 1 && ids[r.ID] <= 4 {
				return errors.New("bot is down")
			}
			return nil
		})
		chat.End()
		genesystest.Until(t, func() bool { return h.tries("back:") == 2 })
		pass(10 * time.Millisecond)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		h.until(t, 2)
		require.Equal(t, []string{"back: agent []", "back: agent [hello?]"}, h.lines())
		require.Equal(t, 5, ids[h.returned()[0].ID])
		require.Equal(t, 1, ids[h.returned()[1].ID])
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestReturnIsRetriedForDays checks that a Return is retried for 7 days.
func TestReturnIsRetriedForDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		h.returning(func(context.Context, handover.Return) error { return errors.New("bot is down") })
		chat.End()
		pass(6 * time.Hour)
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		h.returning(nil)
		h.until(t, 1)
		require.Len(t, h.returned(), 2)
		require.Equal(t, []string{"back: agent []", "back: agent [hello?]"}, h.lines())
	})
}

// TestReturnMayCallHandOver checks a bot that requests an agent again at once.
func TestReturnMayCallHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h, first := talking(t)
		began := make(chan handover.Session, 1)
		h.returning(func(ctx context.Context, r handover.Return) error {
			if h.tries("back:") > 1 {
				return nil
			}
			s, err := h.desk.HandOver(ctx, r.Session.Key, handover.Request{ID: "r2", Summary: "again"})
			began <- s
			_, failed := h.desk.Forward(ctx, r.Session.Key, handover.Text("m1", "to the next agent"))
			return errors.Join(err, failed)
		})
		first.End()
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		require.Equal(t, (<-began).ID, h.session(t, "c1").ID)
		chat.Say("Again me.")
		h.until(t, 2)
		chat.End()
		h.until(t, 3)
		require.Equal(t, []string{"back: agent []", "agent: Again me.", "back: agent []"}, h.lines())
		require.Contains(t, chat.Texts(), "to the next agent")
		require.NotEqual(t, h.returned()[0].Session.ID, h.returned()[1].Session.ID)
	})
}

// TestHandOverWhileEndingBeginsAtOnce checks that the new session begins at once, and that its
// agent gets the customer's messages in between.
func TestHandOverWhileEndingBeginsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h, _ := talking(t)
		h.end(t, "c1", handover.EndByCustomer)
		s := h.handOver(t, "c1", "r2")
		require.Equal(t, s.ID, h.handOver(t, "c1", "r2").ID, "the same request, the same session")
		require.Equal(t, s.ID, h.handOver(t, "c1", "r3").ID, "the open session")
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		h.says(t, "c1", "m1", "between", handover.TurnAgent)
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		require.Equal(t, s.ID, h.session(t, "c1").ID)
		chat.Say("Hello again!")
		h.until(t, 1)
		require.Equal(t, []string{"agent: Hello again!"}, h.lines())
		require.Contains(t, chat.Texts(), "between")
		require.Len(t, requests(org, "conversations.transferToQueue"), 2)
	})
}

// TestEndAfterHandOverReturnsOnce checks that an End after a HandOver during an end leads to
// one Return.
func TestEndAfterHandOverReturnsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		h.end(t, "c1", handover.EndByCustomer)
		two := h.handOver(t, "c1", "r2").ID
		h.end(t, "c1", handover.EndByCustomer)
		h.until(t, 1)
		require.Equal(t, []string{"back: customer []"}, h.lines())
		require.Equal(t, two, h.returned()[0].Session.ID)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		require.Equal(t, "ended", chat.Conversation().Phase())
	})
}
