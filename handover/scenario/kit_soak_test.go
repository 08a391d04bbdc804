package scenario_test

import (
	"time"

	"github.com/stretchr/testify/require"
)

// checkAgents checks that each message of an agent was delivered exactly once.
func (s *soak) checkAgents() {
	got := map[string]int{}
	for _, d := range s.h.delivered() {
		got[d.ID]++
	}
	for id, text := range s.said {
		require.Equal(s, 1, got[id], "the agent's %s", text)
	}
	require.Len(s, got, len(s.said))
}

// checkCustomer checks that each message that Forward accepted for agents was read by one or
// was returned, once, in order.
func (s *soak) checkCustomer() {
	read := map[string]int{}
	readIn := map[string]string{}
	arrived := s.arrivals()
	for _, c := range s.org.Conversations() {
		last := ""
		for _, text := range agentReads(c) {
			if text == "summary" {
				last = "" // messages that no agent read in the handover before may be repeated
				continue
			}
			require.Greater(s, text, last, "order in %v", agentReads(c))
			last = text
			read[text]++
			readIn[text] = c.ID()
		}
	}
	back, sent := map[string]int{}, map[string]bool{}
	for _, r := range s.h.returned() {
		last := ""
		for _, u := range r.Unanswered {
			require.Greater(s, u.Text, last, "order in a Return")
			last = u.Text
			back[u.Text]++
			sent[u.Text] = u.Sent
		}
	}
	for _, text := range s.asked {
		require.LessOrEqual(s, back[text], 1, "%s was returned twice: %v", text, s.h.lines())
		require.Positive(s, read[text]+back[text], "%s is lost: %v", text, s.h.lines())
		if read[text] > 1 {
			// Clocks differ: an agent who left sooner may not have read it.
			from := arrived[text][0].Add(3 * time.Second)
			require.False(s, s.attended(readIn[text], from, arrived[text][1]), "%s was read and sent again", text)
		}
		if back[text] == 1 {
			require.True(s, read[text] == 0 || sent[text], "%s is not marked Sent: %v", text, s.h.lines())
			continue
		}
		require.True(s, s.attended(readIn[text], arrived[text][0], time.Now()), "%s was sent and no agent was there: %v", text, s.h.lines())
	}
}

// arrivals returns when each text reached Genesys for the first and the last time.
func (s *soak) arrivals() map[string][2]time.Time {
	at := map[string][2]time.Time{}
	for _, p := range posts(s.T, s.org) {
		first, known := at[p.Text]
		if !known {
			first[0] = p.At
		}
		at[p.Text] = [2]time.Time{first[0], p.At}
	}
	return at
}

// attended reports whether an agent was in the conversation between two times.
func (s *soak) attended(conversation string, from, to time.Time) bool {
	for _, x := range s.shifts {
		if x.chat.Conversation().ID() == conversation && x.from.Before(to) && (x.to.IsZero() || !x.to.Before(from)) {
			return true
		}
	}
	return false
}
