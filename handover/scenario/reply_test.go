package scenario_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// reply lets the bot answer a message and reports whether say was called.
func (h *apiHost) reply(t *testing.T, m handover.Message) (turn handover.Turn, spoke bool) {
	t.Helper()
	turn, err := h.Reply(t.Context(), h.key, m, func(context.Context) error { spoke = true; return nil })
	require.NoError(t, err)
	return turn, spoke
}

// drops checks that the agents have the turn and the bot does not reply to m1.
func (h *apiHost) drops(t *testing.T) {
	t.Helper()
	turn, spoke := h.reply(t, handover.Text("m1", "m1"))
	require.Equal(t, handover.TurnAgent, turn)
	require.False(t, spoke, "the bot spoke in the agents' turn")
}

// speaks checks that the bot has the turn and Reply stores nothing.
func (h *apiHost) speaks(t *testing.T, id string) {
	t.Helper()
	revision := h.revision(t)
	turn, spoke := h.reply(t, handover.Text(id, id))
	require.Equal(t, handover.TurnBot, turn)
	require.True(t, spoke, "the bot kept silent in its turn")
	require.Equal(t, revision, h.revision(t), "nothing is stored")
}

// botSpeaks reports whether the bot has the turn in the state.
func (d *apiDesk) botSpeaks() bool { return d.in == "bot" || d.over() && d.in != "waiting" }

func TestReplyInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		synctest.Wait()
		sent := d.calls("openmessaging.send")
		if d.botSpeaks() {
			d.speaks(t, "m1")
			d.speaks(t, "m1")
			d.settle(t)
			require.Equal(t, sent, d.calls("openmessaging.send"), "nothing is sent")
			return
		}
		d.drops(t)
		d.drops(t)
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		d.settle(t)
		if d.agents() {
			require.Equal(t, 1, d.written("m1"))
			require.Empty(t, d.unanswered())
			return
		}
		require.Zero(t, d.written("m1"), "no agent is there any more")
		require.Equal(t, []string{"m1"}, d.unanswered())
		d.speaks(t, "m1")
	})
}

// TestReplyToWhatAgentsAnswered checks that a message that Forward stored belongs to the agents
// until a Return contains it. Reply does not let the bot answer a message that an agent has
// answered.
func TestReplyToWhatAgentsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "connected")
		d.drops(t)
		genesystest.Until(t, func() bool { return d.written("m1") == 1 })
		d.chat.Say("answered")
		genesystest.Until(t, func() bool { return len(d.got()) == 1 })
		pass(10 * time.Second)
		d.chat.End()
		genesystest.Until(t, func() bool { return d.noticed(handover.NoticeReturned) == 1 })
		require.Empty(t, d.unanswered())
		d.drops(t)
		d.speaks(t, "m2")
	})
}

// TestReplyAfterASessionBeganGoesToAgents checks that the agents get the message once if a
// session begins between Forward and Reply.
func TestReplyAfterASessionBeganGoesToAgents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newAPIHost(t, genesystest.New(t), nil)
		ann := h.org.Agent("Ann", "Support")
		require.Equal(t, handover.TurnBot, h.forward(t, "m1"))
		h.handOver(t, "r1")
		h.drops(t)
		h.drops(t)
		chat := ann.Wait(t).Accept()
		genesystest.Until(t, func() bool { return len(chat.Texts()) == 2 })
		require.Equal(t, []string{"summary r1", "m1"}, chat.Texts())
		chat.Say("answered")
		pass(time.Minute)
		require.Equal(t, 1, h.written("m1"))
	})
}

// TestTranscriptMessagesAreNotSentAgain checks that neither Forward nor Reply sends a message
// that the transcript contains.
func TestTranscriptMessagesAreNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newAPIHost(t, genesystest.New(t), nil)
		ann := h.org.Agent("Ann", "Support")
		require.Equal(t, handover.TurnBot, h.forward(t, "m1"))
		request := handover.Request{ID: "r1", Transcript: []handover.Line{
			{ID: "m1", Speaker: handover.SpeakerCustomer, Text: "m1"},
			{ID: "m2", Speaker: handover.SpeakerBot, Text: "hello"},
			{Speaker: handover.SpeakerCustomer, Text: "without an id"},
		}}
		_, err := h.HandOver(t.Context(), h.key, request)
		require.NoError(t, err)
		synctest.Wait() // the opening and its notice are stored, too
		revision := h.revision(t)
		h.drops(t)
		require.Equal(t, handover.TurnAgent, h.forward(t, "m1"))
		require.Equal(t, revision, h.revision(t), "nothing is stored")
		require.Equal(t, handover.TurnAgent, h.forward(t, "m2"), "the id of a bot's line is no customer's message")
		chat := ann.Wait(t).Accept()
		genesystest.Until(t, func() bool { return len(chat.Texts()) == 2 })
		require.Equal(t, []string{"customer: m1\nbot: hello\ncustomer: without an id", "m2"}, chat.Texts())
		chat.Say("answered")
		pass(10 * time.Second)
		chat.End()
		genesystest.Until(t, func() bool { return h.noticed(handover.NoticeReturned) == 1 })
		require.Equal(t, handover.TurnBot, h.forward(t, "m1"), "the turn as usual")
		h.speaks(t, "m1")
	})
}

// TestStoredMessageOfATranscriptIsADuplicate checks that a message stored before the request is
// still a duplicate afterwards.
func TestStoredMessageOfATranscriptIsADuplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "connected")
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		genesystest.Until(t, func() bool { return d.written("m1") == 1 })
		d.chat.Say("answered")
		pass(10 * time.Second)
		d.chat.End()
		genesystest.Until(t, func() bool { return d.noticed(handover.NoticeReturned) == 1 })
		_, err := d.HandOver(t.Context(), d.key, handover.Request{ID: "r2", Transcript: []handover.Line{
			{ID: "m1", Speaker: handover.SpeakerCustomer, Text: "m1"},
		}})
		require.NoError(t, err)
		require.NoError(t, d.End(t.Context(), d.key, handover.EndByBot))
		d.settle(t)
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"), "the first answer again")
		d.drops(t)
	})
}

// givesBack returns a host with a Return of m1: the agent left without answering it.
func givesBack(t *testing.T, onReturn func(*apiDesk, handover.Return) error) *apiDesk {
	t.Helper()
	d := reach(t, "connected")
	d.onReturn = func(_ context.Context, r handover.Return) error { return onReturn(d, r) }
	d.org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Times: -1})
	require.NoError(t, d.End(t.Context(), d.key, handover.EndByBot))
	require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
	return d
}

// TestBotAnswersWhatAReturnContains checks that the bot answers messages of a Return, during
// and after it. Forward does not send them to agents.
func TestBotAnswersWhatAReturnContains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := givesBack(t, func(d *apiDesk, r handover.Return) error {
			for _, u := range r.Unanswered {
				d.speaks(t, u.ID)
				require.Equal(t, handover.TurnAgent, d.forward(t, u.ID), "the bot has it")
			}
			return nil
		})
		d.settle(t)
		require.Equal(t, []string{"m1"}, d.unanswered())
		revision := d.revision(t)
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"), "the bot has it")
		require.Equal(t, revision, d.revision(t), "nothing is stored")
		d.speaks(t, "m1")
	})
}

// TestLateAnswerOfAReturnGoesToAgents checks that a message of a Return that the host answers
// later goes to the agents of an open session, once.
func TestLateAnswerOfAReturnGoesToAgents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := givesBack(t, func(*apiDesk, handover.Return) error { return nil })
		d.settle(t)
		require.Equal(t, []string{"m1"}, d.unanswered())
		d.handOver(t, "r2")
		d.drops(t)
		d.drops(t)
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		genesystest.Until(t, func() bool { return d.written("m1") == 1 })
		pass(time.Minute)
		require.Equal(t, 1, d.written("m1"))
		require.NoError(t, d.End(t.Context(), d.key, handover.EndByBot))
		pass(time.Minute)
		require.Equal(t, []string{"m1", "m1"}, d.unanswered(), "no agent answered it: it is returned once more")
		d.speaks(t, "m1")
	})
}

// TestMessagePassedOnMovesToTheNextReturn checks that a message passed to Forward between two
// attempts of a Return is not in the second attempt, but in another Return.
func TestMessagePassedOnMovesToTheNextReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := givesBack(t, func(_ *apiDesk, r handover.Return) error {
			if len(r.Unanswered) == 2 {
				return errors.New("not now")
			}
			return nil
		})
		require.Equal(t, handover.TurnAgent, d.forward(t, "m2"))
		synctest.Wait()
		d.org.ClearFaults()
		genesystest.Until(t, func() bool { return len(d.returned()) == 1 })
		synctest.Wait()
		d.drops(t)
		d.settle(t)
		require.Equal(t, []string{"m1", "m2", "m2", "m1"}, d.unanswered())
		returns := d.returned()
		require.Len(t, returns, 3)
		require.Equal(t, returns[0].ID, returns[1].ID, "the repeat has the same id")
		require.NotEqual(t, returns[0].ID, returns[2].ID)
		d.speaks(t, "m1")
	})
}

// TestRetriedReturnOmitsTheTranscript checks that a failing Return that began a handover omits
// the messages of that transcript when it is retried.
func TestRetriedReturnOmitsTheTranscript(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := givesBack(t, func(d *apiDesk, r handover.Return) error {
			for _, u := range r.Unanswered {
				_, err := d.HandOver(t.Context(), d.key, handover.Request{ID: "r2", Transcript: []handover.Line{
					{ID: u.ID, Speaker: handover.SpeakerCustomer, Text: u.Text},
				}})
				require.NoError(t, err)
				return errors.New("the host failed after its call")
			}
			return nil
		})
		d.settle(t)
		d.drops(t)
		require.Equal(t, []string{"m1"}, d.unanswered())
		require.Equal(t, 1, d.written("customer: m1"))
		require.Zero(t, d.written("m1"))
	})
}

// TestSayMayCallEveryMethod checks that say holds no lock: it can call every method for its
// customer.
func TestSayMayCallEveryMethod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newAPIHost(t, genesystest.New(t), nil)
		turn, err := h.Reply(t.Context(), h.key, handover.Text("m1", "m1"), func(ctx context.Context) error {
			h.speaks(t, "m2")
			require.Equal(t, handover.TurnBot, h.forward(t, "m3"))
			h.handOver(t, "r1")
			require.NoError(t, h.Typing(ctx, h.key))
			now, err := h.Turn(ctx, h.key)
			require.NoError(t, err)
			require.Equal(t, handover.TurnAgent, now)
			require.NoError(t, h.End(ctx, h.key, handover.EndByBot))
			return h.Forget(ctx, h.key)
		})
		require.NoError(t, err)
		require.Equal(t, handover.TurnBot, turn)
	})
}

// TestReplyReturnsTheErrorOfSay checks that Reply returns the error of say, or its panic as an
// error.
func TestReplyReturnsTheErrorOfSay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newAPIHost(t, genesystest.New(t), nil)
		offline := errors.New("the customer is offline")
		turn, err := h.Reply(t.Context(), h.key, handover.Text("m1", "m1"), func(context.Context) error { return offline })
		require.ErrorIs(t, err, offline)
		require.NotErrorIs(t, err, handover.ErrInvalid)
		require.Equal(t, handover.TurnBot, turn)
		require.PanicsWithValue(t, "mine", func() {
			_, _ = h.Reply(t.Context(), h.key, handover.Text("m1", "m1"), func(context.Context) error { panic("mine") })
		})
		h.speaks(t, "m1")
		turn, err = h.Reply(t.Context(), h.key, handover.Text("m1", "m1"), nil)
		require.ErrorIs(t, err, handover.ErrInvalid)
		require.Empty(t, turn)
	})
}

// TestReplyWithAnEndedContext checks that the message is still stored, or that say gets the
// context.
func TestReplyWithAnEndedContext(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		turn, err := d.Reply(ended, d.key, handover.Text("m1", "m1"), func(ctx context.Context) error { return ctx.Err() })
		if d.botSpeaks() {
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, handover.TurnBot, turn)
			return
		}
		require.NoError(t, err)
		require.Equal(t, handover.TurnAgent, turn)
		d.settle(t)
		require.Equal(t, 1, d.written("m1")+len(d.unanswered()))
	})
}

// TestOnlyStoredMessagesAreValidated checks that only messages that would be stored are
// validated, and that nothing of a refused one is stored.
func TestOnlyStoredMessagesAreValidated(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		for name, m := range map[string]handover.Message{
			"no id":    {Text: "hello"},
			"empty":    {ID: "m1"},
			"too long": handover.Text("m1", strings.Repeat("x", handover.MaxMessage+1)),
			"bytes":    handover.Text("m1", "\xff"),
			"answer":   {ID: "m1", Answer: &handover.Answer{Text: "Yes"}},
		} {
			spoke := false
			say := func(context.Context) error { spoke = true; return nil }
			if d.botSpeaks() {
				turn, _ := d.reply(t, m)
				require.Equal(t, handover.TurnBot, turn, name)
			}
			if d.botSpeaks() && d.in != "returning" {
				turn, err := d.Forward(t.Context(), d.key, m)
				require.NoError(t, err, name)
				require.Equal(t, handover.TurnBot, turn, name)
				continue
			}
			synctest.Wait()
			revision := d.revision(t)
			turn, err := d.Forward(t.Context(), d.key, m)
			require.ErrorIs(t, err, handover.ErrInvalid, name)
			require.ErrorContains(t, err, "handover: Message", name)
			require.Empty(t, turn)
			if d.in != "returning" {
				turn, err = d.Reply(t.Context(), d.key, m, say)
				require.ErrorIs(t, err, handover.ErrInvalid, name)
				require.Empty(t, turn)
				require.False(t, spoke)
			}
			require.Equal(t, revision, d.revision(t), name)
		}
	})
}
