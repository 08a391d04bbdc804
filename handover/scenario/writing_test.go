package scenario_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestMessagesDuringAHandoverArriveOnce checks a customer who writes every 130 ms during a
// whole handover. Each message reaches the agent or is returned, once, in order; after the
// Return the bot answers.
func TestMessagesDuringAHandoverArriveOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		signal, customer bool
	}{
		{"agent ends, polled", false, false},
		{"agent ends, signalled", true, false},
		{"customer ends", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t)
				if c.signal {
					org.Signal(h.desk.Recheck)
				}
				k := handover.Customer("c1")
				asked, bots := []string{}, []string{}
				write := func(n int) {
					for range n {
						text := fmt.Sprintf("m%03d", len(asked)+len(bots))
						turn, err := h.desk.Forward(t.Context(), k, handover.Text(text, text))
						require.NoError(t, err)
						if turn == handover.TurnAgent {
							asked = append(asked, text)
						} else {
							bots = append(bots, text)
						}
						pass(130 * time.Millisecond)
					}
				}
				write(3)
				require.Empty(t, asked)
				h.handOver(t, "c1", "r1")
				write(10)
				chat := ann.Wait(t).Accept()
				write(10)
				if c.customer {
					h.end(t, "c1", handover.EndByCustomer)
				} else {
					chat.End()
				}
				write(60)
				h.until(t, 1)
				write(3)

				read := agentReads(chat.Conversation())[1:]
				back := []string{}
				sent := map[string]bool{}
				for _, r := range h.returned() {
					for _, u := range r.Unanswered {
						back, sent[u.Text] = append(back, u.Text), u.Sent
					}
				}
				require.IsIncreasing(t, read)
				require.IsIncreasing(t, back, "%v", back)
				got := map[string]int{}
				for _, text := range read {
					got[text]++
				}
				for _, text := range back {
					if !sent[text] {
						got[text]++
					}
				}
				for _, text := range asked {
					require.Equal(t, 1, got[text], "%s: read %v, back %v", text, read, back)
				}
				require.Len(t, got, len(asked))
				require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
			})
		})
	}
}

// TestAcceptedMessagesSurviveAStop checks that messages accepted while no process runs are
// performed in order later.
func TestAcceptedMessagesSurviveAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h := buildHost(t, org)
		h.serve(org)
		h.handOver(t, "c1", "r1")
		want := []string{"summary r1"}
		for i := range 50 {
			text := fmt.Sprint("m", i)
			h.says(t, "c1", text, text, handover.TurnAgent)
			want = append(want, text)
		}
		pass(time.Minute)
		require.Empty(t, org.Conversations())
		h.run(t.Context())
		chat := ann.Wait(t).Accept()
		pass(time.Minute)
		require.Equal(t, want, agentReads(chat.Conversation()))
	})
}

// TestFullLaneRefusesAMessage checks that a full lane refuses a message and stores nothing of
// it, that the bot does not answer, and that accepted messages are sent.
func TestFullLaneRefusesAMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithRateLimit(0))
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		org.Inject(genesystest.Fault{Drop: true, Times: -1})
		accepted := 0
		var err error
		for i := range 200 {
			var turn handover.Turn
			text := fmt.Sprint("m", i)
			if turn, err = h.desk.Forward(t.Context(), handover.Customer("c1"), handover.Text(text, text)); err != nil {
				require.Empty(t, turn)
				break
			}
			accepted++
		}
		require.ErrorIs(t, err, handover.ErrBacklog)
		require.Equal(t, 100, accepted)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		org.ClearFaults()
		pass(5 * time.Minute)
		require.Len(t, agentReads(chat.Conversation()), accepted+1)
		h.says(t, "c1", "again", "again", handover.TurnAgent)
	})
}
