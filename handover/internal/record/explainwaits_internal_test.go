package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

func TestExplainWhatWaits(t *testing.T) {
	t.Parallel()
	explains(t, map[string]explained{
		"moved elsewhere, and to be forgotten": {
			func() *Record {
				f := recordIn(machine.StateConnected)
				f.Handover.Timers.CustomerIdle, f.Handover.Timers.CustomerWarn = 10*time.Minute, 5*time.Minute
				f.Handover.AgentAt = ago(5 * time.Minute)
				tx := newTransaction(f)
				tx.Notify = false
				tx.fireTimers()
				tx.accept(Message{ID: "m1", Text: "one"})
				tx.Handover.CustomerAt = 0
				tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "other"})
				tx.Forget = noon()
				return tx.Record
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
			  nothing is sent to Genesys until a read shows how the conversation ended
			  the removal of all that is stored, asked for 12:00:00

			what comes next
			  now, 5s late  the conversation is read
			  12:00:10  the session ends if no read shows how its conversation ended
			`,
		},
		"opened, and then nothing": {
			func() *Record {
				f := recordIn(machine.StateBot)
				f.Handover.Resumed = true
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
			func() *Record {
				tx := newTransaction(recordIn(machine.StateConnected))
				tx.Handover.Blind = true
				tx.accept(Message{ID: "m1", Text: "one"})
				tx.accept(Message{ID: "m2", Text: "two"})
				tx.Out.Lease = Lease{Owner: "replica", Seq: tx.Words[0].Seq, Until: noon().Add(LeaseTime)}
				for _, state := range []wordState{wordSent, wordRefused} {
					w := wordOf(tx.NextSeq(), string(state))
					w.State, w.Handover = state, tx.Handover.ID
					tx.Words = append(tx.Words, w)
				}
				tx.receipt(Receipt{ID: "g1", Status: "Delivered"})
				tx.close(tx.Handover, "other", false)
				tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndNoAgent, Detail: "a timer ran out"})
				tx.accept(Message{ID: "m3", Text: "three"})
				tx.notDisconnected(Outcome{Refused: apiFault(403), LeftText: "gone"})
				return tx.Record
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
			  ending        ended because no agent joined in time, 12:00:00
			  detail        a timer ran out

			what happened
			  2026-11-22
			  12:00:00  the end was asked for: ended because no agent joined in time
			  12:00:00  the disconnect was refused: genesys: openmessaging.send: 403 Forbidden

			what waits
			  to Genesys: 2 × a message of the customer, 1 × the word to the agent that the customer left, since 12:00:00; it is being tried, until 12:00:15 at the latest
			  to the host: 1 × a notice, since 12:00:00
			  1 message of the customer for the hand-back
			  1 message that Genesys accepted and no agent has answered yet
			  1 message that Genesys refused, for the hand-back
			  1 receipt for Genesys
			  1 conversation that no session needs, to be disconnected

			what comes next
			  now  a notice is given to the host
			  now  the receipt of a message is sent to Genesys
			  12:00:30  the session ends, whether Genesys confirms it or not
			`,
		},
	})
}
