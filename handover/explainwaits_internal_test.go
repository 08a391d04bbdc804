package handover

import (
	"testing"
	"time"
)

func TestExplainWhatWaits(t *testing.T) {
	t.Parallel()
	told(t, map[string]explained{
		"moved elsewhere, and to be forgotten": {
			func() *file {
				f := fileIn(StateConnected)
				f.Now.Timers.CustomerIdle, f.Now.Timers.CustomerWarn = 10*time.Minute, 5*time.Minute
				f.Now.AgentAt = ago(5 * time.Minute)
				e := newEdit(f)
				e.notify = false
				e.fireTimers()
				e.queue(Text("m1", "one"))
				e.Now.CustomerAt = time.Time{}
				e.apply(event{Kind: evMoved, Conversation: "other"})
				e.Forget = noon()
				return e.file
			}, 5 * time.Second,
			`
			session abcdefghijk2, channel shop, as of 2026-11-22 12:00:05 UTC
			  state         connected since 11:59:00
			  started       11:50:00
			  conversation  conversation
			  queue         Agents
			  agent         Anna (a1)
			  turn          agent

			what happened
			  2026-11-22
			  12:00:00  a message of the customer opened another conversation

			what waits
			  to Genesys: 1 × a message of the customer, since 12:00:00
			  nothing goes to Genesys before a read tells how the conversation ended
			  the removal of all that is stored, asked for 12:00:00

			what comes next
			  now, 5s late  the conversation is read
			  12:04:00  the host is told that the customer is silent (Timers.CustomerWarn)
			`,
		},
		"opened, and then nothing": {
			func() *file {
				f := fileIn(StateBot)
				f.Now.Resumed = true
				return f
			}, 0,
			`
			session abcdefghijk2, channel shop, as of 2026-11-22 12:00:00 UTC
			  state         bot since 11:59:00
			  started       11:50:00
			  conversation  conversation, an older one that went on
			  queue         Agents
			  turn          bot

			what comes next
			  2026-11-23 11:50:00  the session ends, however it stands (Timers.Max)
			`,
		},
		"ending, and much waits": {
			func() *file {
				e := newEdit(fileIn(StateConnected))
				e.Now.Blind = true
				e.queue(Text("m1", "one"))
				e.queue(Text("m2", "two"))
				e.Out.Lease = lease{Owner: "replica", Seq: e.Out.Entries[0].Seq, Until: noon().Add(leaseTime)}
				e.Tail = []sent{{Message: Text("m0", "zero"), Handover: e.Now.ID, At: ago(time.Second)}}
				e.Dead = []dead{{Message: Text("m-1", "dead"), Handover: e.Now.ID, Reason: "refused"}}
				e.receipt(receipt{ID: "g1", Status: "Delivered"})
				e.orphan("other")
				e.apply(event{Kind: evEnd, Reason: EndNoAgent, Detail: "a timer ran out"})
				e.Next = &plan{Core: core{Session: Session{ID: "nextnextnex2", State: StateRequested}}, Opening: &opening{}}
				e.Held = []held{{Unanswered: Unanswered{Message: Text("m3", "three")}}}
				e.notDisconnected(outcome{refused: apiFault(403), leftText: "gone"})
				return e.file
			}, time.Second,
			`
			session abcdefghijk2, channel shop, as of 2026-11-22 12:00:01 UTC
			  state         ending since 12:00:00
			  started       11:50:00
			  conversation  conversation
			  queue         Agents
			  agent         Anna (a1)
			  turn          agent
			  blind         the conversation may not be read
			  ending        ended because no agent came in time, 12:00:00
			  detail        a timer ran out

			what happened
			  2026-11-22
			  12:00:00  the end was asked for: ended because no agent came in time
			  12:00:00  the disconnect was refused: genesys: openmessaging.send: 403 Forbidden

			what waits
			  to Genesys: 2 × a message of the customer, 1 × the word to the agent that the customer left, since 12:00:00; it is being tried, until 12:00:15 at the latest
			  to the host: 1 × a notice, since 12:00:00
			  1 message of the customer for the hand-back
			  1 message that Genesys took, and that no agent has answered for yet
			  1 message that Genesys refused, for the hand-back
			  1 receipt for Genesys
			  1 conversation to be disconnected, where nobody should be
			  session nextnextnex2, which begins when this one has been handed back

			what comes next
			  now  a notice is given to the host
			  now  Genesys is told what became of a message
			  12:00:30  the session ends, whether Genesys confirms it or not
			`,
		},
	})
}
