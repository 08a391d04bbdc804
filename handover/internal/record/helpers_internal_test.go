package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// noon is the time that white-box tests count from.
func noon() time.Time { return time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC) }

// ago is a time before noon.
func ago(d time.Duration) time.Time { return noon().Add(-d) }

func anna() machine.Agent { return machine.Agent{ID: "a1", Name: "Anna"} }

// allStates lists every state of a session.
func allStates() []machine.State {
	return []machine.State{machine.StateBot, machine.StateRequested, machine.StateQueued, machine.StateAlerting, machine.StateConnected, machine.StateEnding, machine.StateEnded}
}

// allPhases lists every phase a read may show.
func allPhases() []genesys.Phase {
	return []genesys.Phase{
		genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting,
		genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup, genesys.PhaseEnded,
	}
}

// handoverIn returns a session at noon, routed by transfer from the queue "bots" to the queue
// "agents". It entered the state a minute before, which is also the time of its last write.
func handoverIn(s machine.State) machine.Handover {
	c := machine.Handover{
		Session: machine.Session{
			ID: "abcdefghijk2", Key: machine.Key{Channel: "shop", Customer: "customer"}, State: s, ConversationID: "conversation",
			Queue: "Agents", Started: ago(10 * time.Minute),
		},
		Request: "request", From: "customer", QueueID: "agents", BotQueue: "bots", LastQueueID: "bots",
		Timers:    machine.Timers{Max: machine.DefaultMax, Retention: machine.DefaultRetention},
		ChangedAt: ago(time.Minute), OpeningTriedAt: ago(10 * time.Minute), OpeningAcceptedAt: ago(10 * time.Minute), LastWriteAt: ago(time.Minute),
	}
	if s == machine.StateBot {
		return c
	}
	c.AgentRequestedAt, c.WaitingSince = ago(9*time.Minute), ago(9*time.Minute)
	if s == machine.StateRequested {
		return c
	}
	c.LastQueueID, c.Transferred, c.ConfirmedAt = "agents", ago(8*time.Minute), ago(time.Minute)
	switch s {
	case machine.StateAlerting:
		c.Agent = anna()
	case machine.StateConnected, machine.StateEnding, machine.StateEnded:
		c.Agent, c.Connected, c.Came, c.WaitingSince = anna(), ago(7*time.Minute), ago(7*time.Minute), time.Time{}
	default:
	}
	if s == machine.StateEnding || s == machine.StateEnded {
		c.EndRequestedAt = c.ChangedAt
		c.Ending = machine.Ending{Reason: machine.EndByCustomer, Time: c.ChangedAt}
	}
	return c
}

// standing returns a read that shows an agent in the queue "agents".
func standing(p genesys.Phase) genesys.Standing {
	s := genesys.Standing{Phase: p}
	switch p {
	case genesys.PhaseQueued:
		s.QueueID = "agents"
	case genesys.PhaseAlerting, genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup:
		s.QueueID, s.Agent = "agents", genesys.Participant{UserID: "a1", Name: "Anna"}
	default:
	}
	if p == genesys.PhaseWrapup || p == genesys.PhaseEnded {
		s.EndedBy, s.Why, s.EndedAt = "agent", "client", ago(10*time.Second)
	}
	return s
}

// shows is a read that began a second before noon.
func shows(p genesys.Phase, with ...func(*genesys.Standing)) machine.Event {
	s := standing(p)
	for _, f := range with {
		f(&s)
	}
	return machine.Event{Kind: machine.EvRead, Began: ago(time.Second), Standing: s}
}

func inQueue(id string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.QueueID = id }
}

func byAgent(id, name string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.Agent.UserID, s.Agent.Name = id, name }
}

// newTransaction returns a transaction at noon, for a host that uses notices, with a fixed clock
// and without randomness.
func newTransaction(f *Record) *Transaction {
	n := 0
	return &Transaction{
		Record: f, Key: machine.Key{Channel: "shop", Customer: "customer"}, Now: noon(), Notify: true,
		NewID:  func() string { n++; return fmt.Sprintf("adopted22%03d", n)[:environment.HandoverIDLength] },
		Jitter: func(d time.Duration) time.Duration { return d },
	}
}

// recordIn returns a record with a session in a state.
func recordIn(s machine.State) *Record {
	c := handoverIn(s)
	return &Record{Format: CurrentFormat, Created: 1, Touched: ago(10 * time.Minute), Handover: &c, Keep: machine.DefaultRetention}
}

// opens returns a transaction on a session with an opening in the lane.
func opens(c machine.Handover) *Transaction {
	tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon(), Handover: &c, Keep: machine.DefaultRetention})
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: KindOpen, Handover: c.ID, At: noon(), Opening: &Opening{Texts: []string{"summary"}}})
	return tx
}

// copied returns a record as another replica would load it.
func copied(tb testing.TB, f *Record) *Record {
	tb.Helper()
	r, err := f.Encode(machine.Key{Channel: "shop", Customer: "customer"}, 1)
	require.NoError(tb, err)
	g, err := Decode(r)
	require.NoError(tb, err)
	return g
}

// jobOn is a job that performs the head of a lane of e as it is now.
func jobOn(tb testing.TB, tx *Transaction, n LaneName) *Job {
	tb.Helper()
	tx.Leases++
	head := tx.ClaimHead(n)
	taken := Lease{Owner: "replica", N: tx.Leases, Seq: head.Seq, Until: tx.Now.Add(LeaseTime)}
	tx.Lane(n).Lease = taken
	return &Job{Key: tx.Key, Lane: n, Lease: taken, Head: head, Record: copied(tb, tx.Record), Began: tx.Now}
}

// settleAs stores an outcome as the Environment does.
func settleAs(tx *Transaction, j *Job, o Outcome) {
	if tx.Lane(j.Lane).Lease == j.Lease {
		tx.Lane(j.Lane).Lease = Lease{}
	}
	switch j.Lane {
	case ToGenesys:
		tx.SettleOut(j, o)
	case ToHost:
		tx.SettleIn(j, o)
	default:
		tx.SettleTask(j, o)
	}
	tx.Tidy()
}

// wordOf is a message of the customer that waits for the agents of the session in recordIn.
func wordOf(seq uint64, id string) Word {
	m := Message{ID: id, Text: "words " + id}.Stored()
	return Word{Seq: seq, ID: id, Message: &m, At: noon(), Wire: noon(), Size: SizeOf(m), Handover: "abcdefghijk2"}
}

// texts lists the texts of the customer's messages in a Return.
func texts(f *Record, r Entry) []string {
	list := []string{}
	for i := range f.Words {
		if w := &f.Words[i]; w.Message != nil && (w.Return == r.Seq || !r.Unsure && w.Return == 0) {
			list = append(list, w.Message.Text)
		}
	}
	return list
}

// queued lists the texts of the customer's messages that wait for Genesys.
func queued(f *Record) []string {
	list := []string{}
	for _, x := range f.EntriesOut() {
		if x.Message != nil {
			list = append(list, x.Message.Text)
		}
	}
	return list
}

// inState lists the texts of the words in a state.
func inState(f *Record, s wordState) []string {
	list := []string{}
	for i := range f.Words {
		if w := &f.Words[i]; w.State == s && w.Message != nil {
			list = append(list, w.Message.Text)
		}
	}
	return list
}

// firstReturn is the first Return that waits.
func firstReturn(tb testing.TB, f *Record) Entry {
	tb.Helper()
	for _, x := range f.In.Entries {
		if x.Kind == KindReturn {
			return x
		}
	}
	require.FailNow(tb, "no Return waits")
	return Entry{}
}
