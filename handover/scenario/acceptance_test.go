package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A pain is a known problem of such integrations, with a test that it does not occur here. The
// tests are short and named after the problem. Other tests check the rules in detail.
type pain struct {
	org    []genesystest.Option
	config func(*handover.Config)
	play   func(*stage)
}

func pains(t *testing.T, list map[string]pain) {
	t.Helper()
	for name, p := range list {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, p.org...)
				s := &stage{t: t, org: org, ann: org.Agent("Ann", "Support"), ben: org.Agent("Ben"), cem: org.Agent("Cem", "Billing")}
				s.host = newHost(t, org, func(c *handover.Config) {
					if p.config != nil {
						p.config(c)
					}
				})
				p.play(s)
			})
		})
	}
}

// open checks that the session is still open and the bot is silent.
func (s *stage) open(state handover.State) {
	s.t.Helper()
	require.Equal(s.t, state, s.session(s.t, "c1").State)
	require.Equal(s.t, handover.TurnAgent, s.turn(s.t, "c1"))
	require.Empty(s.t, s.returned())
}

// over waits until the session is ended for a reason and the bot answers.
func (s *stage) over(reason handover.EndReason) {
	s.t.Helper()
	s.calm()
	require.Len(s.t, s.returned(), 1)
	require.Equal(s.t, reason, s.returned()[0].Session.Ending.Reason)
	require.Equal(s.t, handover.TurnBot, s.turn(s.t, "c1"))
}

func TestAcceptanceOfEnds(t *testing.T) {
	t.Parallel()
	pains(t, map[string]pain{
		"the webhook reports typing but not the end": {play: func(s *stage) {
			chat := s.with("h1")
			chat.Type()
			pass(time.Second)
			s.mu.Lock()
			require.NotEmpty(s.t, s.typing)
			s.mu.Unlock()
			deliveries := len(s.org.Deliveries())
			chat.End()
			s.over(handover.EndByAgent)
			require.Len(s.t, s.org.Deliveries(), deliveries, "no webhook reported it")
		}},
		"the customer closes the window and there is no event for that": {play: func(s *stage) {
			chat := s.with("h1")
			s.end(s.t, "c1", handover.EndByCustomer)
			pass(2 * time.Second)
			require.False(s.t, chat.Active(), "the agent sees it at once")
			s.over(handover.EndByCustomer)
		}},
		"a user who leaves the queue is still offered to agents": {play: func(s *stage) {
			s.ann.GoOffQueue()
			s.handOver(s.t, "c1", "h1")
			s.calm()
			s.end(s.t, "c1", handover.EndByCustomer)
			s.over(handover.EndByCustomer)
			s.ann.GoOnQueue()
			require.Nil(s.t, ringing(s.t, s.ann))
		}},
		"a chat that ended in the queue looks as if an agent had spoken": {play: func(s *stage) {
			s.ann.GoOffQueue()
			s.handOver(s.t, "c1", "h1")
			s.calm()
			s.org.Conversation("c1").Disconnect("system")
			s.over(handover.EndByGenesys)
			require.NotContains(s.t, s.kinds(), string(handover.NoticeAgentJoined))
			require.NotContains(s.t, s.kinds(), string(handover.NoticeAgentLeft))
			require.Zero(s.t, s.session(s.t, "c1").Connected)
			require.Zero(s.t, s.session(s.t, "c1").Agent)
			require.Equal(s.t, []string{"back: genesys []"}, s.lines())
		}},
		"the bot is held back, or woken too early, by after-call work": {
			org: []genesystest.Option{genesystest.WithWrapup(time.Hour)},
			play: func(s *stage) {
				chat := s.with("h1")
				chat.End()
				s.over(handover.EndByAgent)
				require.Equal(s.t, "wrapup", chat.Conversation().Phase())
				s.says(s.t, "c1", "m1", "bot?", handover.TurnBot)
			},
		},
		"a message after the agent closed reaches no agent": {play: func(s *stage) {
			chat := s.with("h1")
			chat.Say("Good-bye!")
			pass(time.Minute)
			chat.End()
			// The end is not detected yet.
			s.says(s.t, "c1", "m1", "wait, one thing", handover.TurnAgent)
			s.over(handover.EndByAgent)
			require.Equal(s.t, "wait, one thing", s.returned()[0].Unanswered[0].Text)
			require.Len(s.t, s.noticed(handover.NoticeEnded), 1, "what a host needs to close its input field")
			s.says(s.t, "c1", "m2", "hello?", handover.TurnBot)
			require.Nil(s.t, ringing(s.t, s.ann), "nor does it open an empty conversation")
		}},
		"there is no second handover after the first": {play: func(s *stage) {
			s.with("h1").End()
			s.over(handover.EndByAgent)
			first := s.session(s.t, "c1").ID
			for _, id := range []string{"h2", "h3"} {
				chat := s.with(id)
				require.NotEqual(s.t, first, s.session(s.t, "c1").ID)
				chat.Say("Again " + id)
				chat.End()
				s.calm()
			}
			require.Equal(s.t, []string{"back: agent []", "agent: Again h2", "back: agent []", "agent: Again h3", "back: agent []"}, s.lines())
		}},
		"the same request replayed starts a second handover": {play: func(s *stage) {
			chat := s.with("h1")
			first := s.session(s.t, "c1").ID
			require.Equal(s.t, first, s.handOver(s.t, "c1", "h1").ID)
			chat.End()
			s.over(handover.EndByAgent)
			require.Equal(s.t, first, s.handOver(s.t, "c1", "h1").ID)
			s.calm()
			require.Equal(s.t, handover.TurnBot, s.turn(s.t, "c1"))
			require.Len(s.t, postsOf(s.t, s.org, "summary h1"), 1)
		}},
	})
}
