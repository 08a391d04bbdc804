package scenario_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

func TestAcceptanceOfAgents(t *testing.T) {
	t.Parallel()
	pains(t, map[string]pain{
		"a reject looks like the end, and no signal follows": {play: func(s *stage) {
			byEventBridge(s) // user.end, the same as for a real end
			s.handOver(s.t, "c1", "h1")
			offer := s.ann.Wait(s.t)
			s.calm()
			s.ann.GoOffQueue()
			offer.Decline()
			pass(time.Hour)
			s.open(handover.StateQueued)
			s.ann.GoOnQueue()
			chat := s.ann.Wait(s.t).Accept()
			s.calm()
			s.open(handover.StateConnected)
			chat.End()
			s.over(handover.EndByAgent)
		}},
		"a reject ends the handover if there is no other agent": {play: func(s *stage) {
			s.handOver(s.t, "c1", "h1")
			for range 3 {
				s.ann.Wait(s.t).Decline() // Genesys offers it to her again
				s.calm()
				require.NotEqual(s.t, handover.StateEnded, s.session(s.t, "c1").State)
			}
			require.NotContains(s.t, s.kinds(), string(handover.NoticeAgentJoined))
		}},
		"requeued looks like ended": {play: func(s *stage) {
			chat := s.with("h1")
			s.ann.GoOffQueue()
			chat.Leave()
			s.calm()
			s.open(handover.StateQueued)
			require.Len(s.t, s.noticed(handover.NoticeAgentLeft), 1)
		}},
		"alerting looks like an agent": {play: func(s *stage) {
			byEventBridge(s)
			s.handOver(s.t, "c1", "h1")
			s.ann.Wait(s.t)
			pass(10 * time.Minute)
			s.open(handover.StateAlerting)
			require.Empty(s.t, s.noticed(handover.NoticeAgentJoined))
			require.Zero(s.t, s.session(s.t, "c1").Connected)
		}},
		"an agent who answers at once is never announced": {
			org: []genesystest.Option{genesystest.WithPace(genesystest.Pace{Flow: -1, Route: -1, Offer: -1, Transfer: -1})},
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				chat := s.ann.Wait(s.t).Accept() // before a read can show a queue or an alert
				chat.Say("Hello!")
				s.calm()
				s.open(handover.StateConnected)
				require.Len(s.t, s.noticed(handover.NoticeAgentJoined), 1)
				require.Equal(s.t, []string{"agent: Hello!"}, s.lines())
				require.Equal(s.t, "Ann", s.session(s.t, "c1").Agent.Name)
			},
		},
		"a transfer to another queue ends the handover": {play: func(s *stage) {
			chat := s.with("h1")
			chat.TransferTo("Billing")
			s.calm()
			s.open(handover.StateAlerting)
			next := s.cem.Wait(s.t).Accept()
			s.calm()
			s.open(handover.StateConnected)
			next.End()
			s.over(handover.EndByAgent)
		}},
		"after-call work during a transfer closes the chat": {
			org: []genesystest.Option{genesystest.WithWrapup(10 * time.Minute)},
			play: func(s *stage) {
				byEventBridge(s)
				chat := s.with("h1")
				chat.TransferTo("Billing") // Ann does after-call work while the customer waits
				offer := s.cem.Wait(s.t)
				pass(time.Minute)
				s.open(handover.StateAlerting)
				s.says(s.t, "c1", "m1", "still here", handover.TurnAgent)
				next := offer.Accept()
				s.calm()
				require.Contains(s.t, next.Texts(), "still here")
				next.End()
				s.over(handover.EndByAgent)
			},
		},
		"after a transfer to a queue without a topic, the end is missed": {play: func(s *stage) {
			s.listens(s.t.Context(), s.t, s.org) // only to Support
			chat := s.with("h1")
			chat.TransferTo("Billing")
			offer := s.cem.Wait(s.t)
			pass(10 * time.Minute)
			next := offer.Accept()
			pass(10 * time.Minute)
			require.Equal(s.t, "Cem", s.session(s.t, "c1").Agent.Name)
			next.End()
			pass(6 * time.Minute) // polls continue in addition to every source
			s.over(handover.EndByAgent)
		}},
	})
}

// TestAcceptanceOfLostSignals checks that polls find a change if its signal is lost or late.
func TestAcceptanceOfLostSignals(t *testing.T) {
	t.Parallel()
	lost := func(listen func(*stage)) pain {
		return pain{play: func(s *stage) {
			listen(s)
			s.org.DisturbSignals(genesystest.SignalFaults{Lost: 1, Seed: 7})
			chat := s.with("h1")
			chat.Say("Hello")
			pass(10 * time.Minute)
			chat.End()
			pass(5 * time.Minute)
			s.over(handover.EndByAgent)
		}}
	}
	pains(t, map[string]pain{
		"the socket loses every event":               lost(bySocket),
		"no event of EventBridge ever arrives":       lost(byEventBridge),
		"the workflow that posts never runs":         lost(byTrigger),
		"setting a signal source up takes five days": {play: func(s *stage) { s.with("h1").End(); s.over(handover.EndByAgent) }},
		"the socket breaks just before the agent ends": {play: func(s *stage) {
			bySocket(s)
			chat := s.with("h1")
			pass(10 * time.Minute)
			s.org.CutSockets()
			chat.End()
			s.over(handover.EndByAgent)
		}},
	})
}
