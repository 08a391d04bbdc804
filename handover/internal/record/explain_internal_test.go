package record

import (
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// afterTime returns a later transaction on the same record.
func afterTime(tx *Transaction, d time.Duration) *Transaction {
	next := *tx
	next.Now = tx.Now.Add(d)
	return &next
}

// block is a text as it is written in a test: without the first line break and the indentation.
func block(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\t", "")
}

// explained is a record, a time, and the words for it.
type explained struct {
	record func() *Record
	at     time.Duration // afterTime noon
	want   string
}

func explains(t *testing.T, tests map[string]explained) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, block(tt.want), tt.record().Explain("shop", noon().Add(tt.at)))
		})
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	read := func(p genesys.Phase, at machine.Time, with ...func(*genesys.Standing)) machine.Event {
		e := machinetest.Shows(p, with...)
		e.Began = at
		e.Standing.EndedAt = at.Std()
		return e
	}
	explains(t, map[string]explained{
		"nothing but a late message": {
			func() *Record {
				tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon()})
				tx.deliver(Delivery{ID: "g1", Late: true}, 0)
				return tx.Record
			}, 0,
			`
			no session yet, channel shop, as of 2026-11-22 12:00:00 UTC

			what waits
			  to the host: 1 × a message of the agent, since 12:00:00

			what comes next
			  now  a message of the agent is given to the host
			`,
		},
		"asked for, and Genesys fails": {
			func() *Record {
				c := machine.Handover{
					Session: machine.Session{ID: "abcdefghijk2", Key: machine.Key{Channel: "shop", Customer: "customer"}, State: machine.StateRequested, Queue: "Agents"},
					From:    "customer", Timers: machine.Timers{Max: machine.DefaultMax, NoAgent: 5 * time.Minute, Retention: machine.DefaultRetention},
				}
				tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon()})
				tx.Begin(c, &Opening{Texts: []string{"summary"}})
				for range 3 {
					tx = afterTime(tx, time.Second)
					tx.failed(tx.Out.Entries[0], Outcome{Err: apiFault(503)})
				}
				return tx.Record
			}, 3 * time.Second,
			`
			session abcdefghijk2, channel shop, as of 2026-11-22 12:00:03 UTC
			  state         requested since 12:00:00
			  started       12:00:00
			  conversation  none yet
			  queue         Agents
			  turn          agent

			what happened
			  2026-11-22
			  12:00:00  a session began, an agent was asked for
			  12:00:01  to be tried again, the opening: genesys: openmessaging.send: 503 Service Unavailable

			what waits
			  to Genesys: 1 × the opening, since 12:00:00; failed attempts of the first: 3
			  to the host: 1 × a notice, since 12:00:00

			what comes next
			  now, 3s late  a notice is given to the host
			  12:00:05  the opening is sent to Genesys
			  12:05:00  the session ends if no agent has joined (Timers.NoAgent)
			`,
		},
		"a long story": {
			func() *Record {
				f := recordIn(machine.StateRequested)
				f.Handover.OpeningAcceptedAt, f.Handover.QueueID = 0, "agents"
				f.Past = []past{{Session: machine.Session{
					ID: "zzzzzzzzzzz2", State: machine.StateEnded, Started: ago(48 * time.Hour),
					Ending: machine.Ending{Reason: machine.EndNoAgent, Time: ago(47 * time.Hour)},
				}}}
				tx := newTransaction(f)
				tx.Notify = false
				tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: "conversation", Resumed: true})
				tx = afterTime(tx, time.Second)
				tx.Apply(machine.Event{Kind: machine.EvTransferred})
				tx = afterTime(tx, time.Second)
				tx.Apply(read(genesys.PhaseAlerting, tx.Now))
				tx = afterTime(tx, 9*time.Second)
				tx.Apply(read(genesys.PhaseAlerting, tx.Now, machinetest.ByAgent("a2", "Ben\nevil")))
				tx = afterTime(tx, time.Second)
				tx.Apply(machine.Event{Kind: machine.EvAgentWrote})
				tx = afterTime(tx, time.Second)
				tx.Apply(read(genesys.PhaseConnected, tx.Now, machinetest.ByAgent("a2", "Ben")))
				tx = afterTime(tx, time.Minute)
				tx.Apply(read(genesys.PhaseConnected, tx.Now, machinetest.ByAgent("a3", ""), machinetest.InQueue("vip")))
				tx = afterTime(tx, 13*time.Hour)
				tx.Apply(read(genesys.PhaseEnded, tx.Now))
				tx.Tidy()
				tx = afterTime(tx, 2*time.Second)
				tx.done()
				return tx.Record
			}, 14 * time.Hour,
			`
			session abcdefghijk2, channel shop, as of 2026-11-23 02:00:00 UTC
			  state         ended since 01:01:13
			  started       2026-11-22 11:50:00
			  conversation  conversation, an older one that went on
			  queue         Agents
			  agent         a3
			  turn          bot
			  ending        ended by the agent, 01:01:13
			  code          client

			what happened
			  2026-11-22
			  12:00:00  Genesys accepted the opening
			  12:00:00  an older conversation continues
			  12:00:01  transferred to the agent queue agents
			  12:00:02  it rings at Anna
			  12:00:11  Anna did not take it
			  12:00:11  it rings at Ben evil
			  12:00:12  an agent wrote, so one is there
			  12:00:13  the agent is Ben
			  12:01:13  Ben left
			  12:01:13  transferred from queue agents to vip
			  12:01:13  a3 is there
			  2026-11-23
			  01:01:13  a3 left
			  01:01:13  ended by the agent (client)
			  01:01:15  given back to the bot

			what comes next
			  2026-11-26 02:01:13  the record is removed, unless a message arrives

			earlier sessions, the newest first
			  zzzzzzzzzzz2  2026-11-20 12:00:00 to 2026-11-20 13:00:00, ended because no agent joined in time
			`,
		},
	})
}

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

// TestExplainForeignWords checks that log lines are shown unchanged, whichever release wrote them.
func TestExplainForeignWords(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]logLine{
		"teleported: to the moon": {What: "teleported", Why: "to\nthe moon"},
		"teleported":              {What: "teleported"},
	} {
		require.Equal(t, want, l.sentence())
	}
}

// TestExplainHasWordsForAll checks that every end, wait and next step has a text.
func TestExplainHasWordsForAll(t *testing.T) {
	t.Parallel()
	for _, r := range []machine.EndReason{
		machine.EndByAgent, machine.EndByCustomer, machine.EndByBot, machine.EndNoAgent, machine.EndCustomerIdle, machine.EndAgentIdle, machine.EndMaxDuration, machine.EndByGenesys, machine.EndRefused, machine.EndFailed,
	} {
		require.Contains(t, machine.Ending{Reason: r}.Words(), "ended b", r)
	}
	for _, k := range []machine.TimerKind{
		machine.TimerWarn, machine.TimerEnd, machine.TimerLost, machine.TimerMoved, machine.TimerKind(machine.EndNoAgent), machine.TimerKind(machine.EndCustomerIdle), machine.TimerKind(machine.EndAgentIdle), machine.TimerKind(machine.EndMaxDuration),
	} {
		require.Contains(t, k.Words(), " ", k)
	}
	for _, s := range machinetest.States() {
		c := machinetest.HandoverIn(s)
		for _, k := range []TaskKind{TaskLook, TaskReceipt, TaskWatch} {
			require.Contains(t, k.words(&c), " ", k)
		}
	}
}

// TestLogStaysShort checks that a message that fails for minutes is one line, and that a line is
// not long.
func TestLogStaysShort(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "text")
	tx.Words[0].First = tx.Now
	for range 200 {
		tx.failed(tx.Words[0].entry(), Outcome{Err: apiFault(500)})
	}
	require.Len(t, tx.Log, 1)
	tx.AddLog("the transfer was refused", strings.Repeat("ä", 1000))
	require.LessOrEqual(t, len(tx.Log[1].Why), maxWhy+len("ä…"))
	for range 200 {
		tx.AddLog("the host was notified that the customer is silent", "")
	}
	require.Len(t, tx.Log, maxLog)
}
