package handover

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// after is an edit of the same file after a while.
func (e *edit) after(d time.Duration) *edit {
	next := *e
	next.now = e.now.Add(d)
	return &next
}

// block is a text as it is written in a test: without the first line break and the indentation.
func block(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\t", "")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	read := func(p genesys.Phase, at time.Time, with ...func(*genesys.Standing)) event {
		e := shows(p, with...)
		e.Began = at
		e.Standing.EndedAt = at
		return e
	}
	told(t, map[string]explained{
		"nothing but a late message": {
			func() *file {
				e := newEdit(&file{Format: fileFormat, Created: 1, Touched: noon()})
				e.deliver(delivery{ID: "g1", Late: true}, time.Time{})
				return e.file
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
			func() *file {
				c := core{
					Session: Session{ID: "abcdefghijk2", Key: Key{Channel: "shop", Customer: "customer"}, State: StateRequested, Queue: "Agents"},
					From:    "customer", Timers: Timers{Max: DefaultMax, NoAgent: 5 * time.Minute, Retention: DefaultRetention},
				}
				e := newEdit(&file{Format: fileFormat, Created: 1, Touched: noon()})
				e.begin(c, &opening{Texts: []string{"summary"}})
				for range 3 {
					e = e.after(time.Second)
					e.failed(&e.Out.Entries[0], outcome{err: apiFault(503)})
				}
				return e.file
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
			  12:05:00  the session ends if no agent has come (Timers.NoAgent)
			`,
		},
		"a long story": {
			func() *file {
				f := fileIn(StateRequested)
				f.Now.Accepted, f.Now.QueueID = time.Time{}, "agents"
				f.Past = []past{{Session: Session{
					ID: "zzzzzzzzzzz2", State: StateEnded, Started: ago(48 * time.Hour),
					Ending: Ending{Reason: EndNoAgent, Time: ago(47 * time.Hour)},
				}}}
				e := newEdit(f)
				e.notify = false
				e.apply(event{Kind: evAccepted, Conversation: "conversation", Resumed: true})
				e = e.after(time.Second)
				e.apply(event{Kind: evTransferred})
				e = e.after(time.Second)
				e.apply(read(genesys.PhaseAlerting, e.now))
				e = e.after(9 * time.Second)
				e.apply(read(genesys.PhaseAlerting, e.now, byAgent("a2", "Ben\nevil")))
				e = e.after(time.Second)
				e.apply(event{Kind: evAgentSpoke})
				e = e.after(time.Second)
				e.apply(read(genesys.PhaseConnected, e.now, byAgent("a2", "Ben")))
				e = e.after(time.Minute)
				e.apply(read(genesys.PhaseConnected, e.now, byAgent("a3", ""), inQueue("vip")))
				e = e.after(13 * time.Hour)
				e.apply(read(genesys.PhaseEnded, e.now))
				e.tidy()
				e = e.after(2 * time.Second)
				e.done()
				return e.file
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
			  12:00:00  Genesys took the opening
			  12:00:00  it is an older conversation that goes on
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
			  2026-11-26 02:01:13  the record is removed, if nothing comes

			earlier sessions, the newest first
			  zzzzzzzzzzz2  2026-11-20 12:00:00 to 2026-11-20 13:00:00, ended because no agent came in time
			`,
		},
	})
}

// explained is a record, a time, and the words for it.
type explained struct {
	file func() *file
	at   time.Duration // after noon
	want string
}

func told(t *testing.T, tests map[string]explained) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, block(tt.want), tt.file().explain("shop", noon().Add(tt.at)))
		})
	}
}
