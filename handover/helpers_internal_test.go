package handover

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// noon is the time that white-box tests count from.
func noon() time.Time { return time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC) }

// ago is a time before noon.
func ago(d time.Duration) time.Time { return noon().Add(-d) }

func anna() Agent { return Agent{ID: "a1", Name: "Anna"} }

// allStates lists every state of a session.
func allStates() []State {
	return []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding, StateEnded}
}

// allPhases lists every phase a read may show.
func allPhases() []genesys.Phase {
	return []genesys.Phase{
		genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting,
		genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup, genesys.PhaseEnded,
	}
}

// coreIn is a session, routed by transfer from the queue "bots" to the queue "agents", as it is at noon when it came into the
// state a minute before in the ordinary way. Its last write is as old.
func coreIn(s State) core {
	c := core{
		Session: Session{
			ID: "abcdefghijk2", Key: Key{Channel: "shop", Customer: "customer"}, State: s, ConversationID: "conversation",
			Queue: "Agents", Started: ago(10 * time.Minute),
		},
		Request: "request", From: "customer", QueueID: "agents", BotQueue: "bots", StoodIn: "bots",
		Timers:  Timers{Max: DefaultMax, Retention: DefaultRetention},
		Changed: ago(time.Minute), Tried: ago(10 * time.Minute), Accepted: ago(10 * time.Minute), Wrote: ago(time.Minute),
	}
	if s == StateBot {
		return c
	}
	c.Asked, c.Waiting = ago(9*time.Minute), ago(9*time.Minute)
	if s == StateRequested {
		return c
	}
	c.StoodIn, c.Transferred, c.Vouched = "agents", ago(8*time.Minute), ago(time.Minute)
	switch s {
	case StateAlerting:
		c.Agent = anna()
	case StateConnected, StateEnding, StateEnded:
		c.Agent, c.Connected, c.Waiting = anna(), ago(7*time.Minute), time.Time{}
	default:
	}
	if s == StateEnding || s == StateEnded {
		c.EndAsked = c.Changed
		c.Ending = Ending{Reason: EndByCustomer, Time: c.Changed}
	}
	return c
}

// standing is what a read shows: an agent stands in the queue "agents".
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
func shows(p genesys.Phase, with ...func(*genesys.Standing)) event {
	s := standing(p)
	for _, f := range with {
		f(&s)
	}
	return event{Kind: evRead, Began: ago(time.Second), Standing: s}
}

func inQueue(id string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.QueueID = id }
}

func byAgent(id, name string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.Agent.UserID, s.Agent.Name = id, name }
}

// kinds are the notices of effects, in order.
func kinds(effects []effect) []NoticeKind {
	list := []NoticeKind{}
	for _, e := range effects {
		list = append(list, e.Notice)
	}
	return list
}

// newEdit is an edit of a file at noon, by a host that wants notices, with a clock of its own and no chance in it.
func newEdit(f *file) *edit {
	n := 0
	return &edit{
		file: f, key: Key{Channel: "shop", Customer: "customer"}, now: noon(), notify: true,
		newID:  func() string { n++; return fmt.Sprintf("adopted22%03d", n)[:handoverIDLength] },
		jitter: func(d time.Duration) time.Duration { return d },
	}
}

// fileIn is a file whose session stands in a state.
func fileIn(s State) *file {
	c := coreIn(s)
	return &file{Format: fileFormat, Created: 1, Touched: ago(10 * time.Minute), Now: &c, Keep: DefaultRetention}
}

// opens is an edit of a session whose opening waits in the lane.
func opens(c core) *edit {
	e := newEdit(&file{Format: fileFormat, Created: 1, Touched: noon(), Now: &c, Keep: DefaultRetention})
	e.Out.push(entry{Seq: e.next(), Kind: kindOpen, Handover: c.ID, At: noon(), Opening: &opening{Texts: []string{"summary"}}})
	return e
}

// copied is a file as another replica would load it.
func copied(tb testing.TB, f *file) *file {
	tb.Helper()
	r, err := f.encode(Key{Channel: "shop", Customer: "customer"}, 1)
	require.NoError(tb, err)
	g, err := decode(r)
	require.NoError(tb, err)
	return g
}

// jobOn is a job that performs the head of a lane of e as it is now.
func jobOn(tb testing.TB, e *edit, n laneName) *job {
	tb.Helper()
	e.Leases++
	taken := lease{Owner: "replica", N: e.Leases, Until: e.now.Add(leaseTime)}
	if n != control {
		taken.Seq = e.lane(n).Entries[0].Seq
		e.lane(n).Entries[0].Maybe = e.lane(n).Entries[0].Kind == kindReturn
	}
	e.lane(n).Lease = taken
	return &job{key: e.key, lane: n, lease: taken, file: copied(tb, e.file), began: e.now}
}

// settleAs stores an outcome as the shell does.
func (e *edit) settleAs(j *job, o outcome) {
	if e.lane(j.lane).Lease == j.lease {
		e.lane(j.lane).Lease = lease{}
	}
	switch j.lane {
	case toGenesys:
		e.settleOut(j, o)
	case toHost:
		e.settleIn(j, o)
	default:
		e.settleDuty(j, o)
	}
	e.tidy()
}

// texts lists what customers' messages of a list say.
func texts(back []Unanswered) []string {
	list := []string{}
	for _, u := range back {
		list = append(list, u.Text)
	}
	return list
}

// queued lists what the customer's messages in the lane to Genesys say.
func queued(f *file) []string {
	list := []string{}
	for _, x := range f.Out.Entries {
		if x.Message != nil {
			list = append(list, x.Message.Text)
		}
	}
	return list
}

// firstReturn is the first Return that waits.
func firstReturn(tb testing.TB, f *file) entry {
	tb.Helper()
	for _, x := range f.In.Entries {
		if x.Kind == kindReturn {
			return x
		}
	}
	require.FailNow(tb, "no Return waits")
	return entry{}
}
