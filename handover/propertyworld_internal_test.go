package handover

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/internal/door"
)

// A world is one customer's record and the replicas that work on it, moved by chance and without I/O: it does what the shell
// does around each edit.
type world struct {
	t        testing.TB
	seed     uint64
	rng      *rand.Rand
	now      time.Time
	record   Record // Data nil: there is none
	replicas []*Manager
	work     []*job // under way
	whose    map[*job]*Manager
	history  []string

	ids       int
	accepted  []string        // messages that were stored for agents, in order
	life      int             // how many of them were accepted before the record was removed last
	index     map[string]int  // of them
	took      map[string]bool // Genesys has it
	backed    map[string]bool // the host was given it back
	forgiven  map[string]bool // the host asked to forget, or a bound that is documented was reached
	attempted map[string]bool
	newest    map[string]int // by handover: the latest first attempt
	ended     map[string]bool
	live      time.Time // the last proof of a live agent
	endKnown  time.Time // when a read said the conversation ended
}

func newWorld(tb testing.TB, seed uint64) *world {
	tb.Helper()
	w := &world{
		t: tb, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), now: noon(), //nolint:gosec // chance that repeats
		whose: map[*job]*Manager{}, index: map[string]int{}, took: map[string]bool{},
		backed: map[string]bool{}, forgiven: map[string]bool{}, attempted: map[string]bool{}, newest: map[string]int{}, ended: map[string]bool{},
	}
	w.replicas = []*Manager{w.replica(), w.replica()}
	return w
}

func (w *world) next(prefix string) string {
	w.ids++
	return prefix + strconv.Itoa(w.ids)
}

func (w *world) replica() *Manager {
	return &Manager{
		shell: shell{door.Door{Now: func() time.Time { return w.now }, Wait: wait, Chance: w.rng}}, owner: w.next("replica"), running: true,
		workers: tokens(10_000), idle: make(chan struct{}, 1), busy: map[busyLane]bool{},
	}
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func pick[T any](w *world, list ...T) T { return list[w.rng.IntN(len(list))] }

func (w *world) load() *edit {
	e := newEdit(&file{Touched: w.now})
	e.now, e.fresh = w.now, w.record.Data == nil
	e.newID = func() string { return fmt.Sprintf("%012d", w.rng.IntN(1e9)) }
	if !e.fresh {
		f, err := decode(w.record)
		require.NoError(w.t, err)
		e.file = f
	}
	return e
}

// edit is Manager.tryEdit without a store.
func (w *world) edit(r *Manager, done *job, fn func(*edit) error) {
	e := w.load()
	if done != nil && e.lane(done.lane).Lease.Owner == r.owner {
		e.lane(done.lane).Lease = lease{}
	}
	if err := fn(e); err != nil {
		require.ErrorIs(w.t, err, errUnchanged)
		return
	}
	e.tidy()
	var jobs []*job
	if at := e.expires(); !at.IsZero() && !e.now.Before(at) {
		w.record, w.life = Record{}, len(w.accepted)
	} else {
		jobs = r.claim(e, done)
		var err error
		w.record, err = e.encode(e.key, nextRevision(w.record.Revision, e.now))
		require.NoError(w.t, err)
	}
	if done != nil {
		r.leave(done)
	}
	for _, j := range jobs {
		r.busy[busyLane{j.key, j.lane}] = true
		w.work, w.whose[j] = append(w.work, j), r
		w.attempt(j)
	}
}

// attempt notes which message of the customer's is tried, and that first attempts keep their order.
func (w *world) attempt(j *job) {
	if j.lane != toGenesys || j.file.Out.Entries[0].Message == nil {
		return
	}
	x := j.file.Out.Entries[0]
	if id := x.Message.ID; !w.attempted[id] {
		w.attempted[id] = true
		require.GreaterOrEqual(w.t, w.index[id], w.newest[x.Handover], "first attempts keep their order\n%s", w)
		w.newest[x.Handover] = w.index[id]
	}
}

func (w *world) forward() {
	id := w.next("m")
	if len(w.accepted) > w.life && w.chance(10) {
		id = pick(w, w.accepted[w.life:]...)
	}
	w.edit(pick(w, w.replicas...), nil, func(e *edit) error {
		turn, err := e.forward(Text(id, id))
		if _, known := w.index[id]; err == nil && turn == TurnAgent && !known {
			w.index[id] = len(w.accepted)
			w.accepted = append(w.accepted, id)
		}
		if errors.Is(err, ErrBacklog) {
			return errUnchanged
		}
		return err
	})
}

func (w *world) begin(s State) {
	c := core{
		Session: Session{ID: fmt.Sprintf("%012d", w.rng.IntN(1e9)), Key: recordKey(), State: s},
		Request: w.next("r"), From: "customer", QueueID: "agents", BotQueue: pick(w, "bots", ""),
		Timers: Timers{NoAgent: pick(w, 0, 10*time.Minute), CustomerWarn: pick(w, 0, time.Minute), CustomerIdle: 3 * time.Minute, Max: DefaultMax},
	}
	if w.chance(20) {
		c.Routing, c.QueueID = RouteByFlow, ""
	}
	o := &opening{Texts: []string{"hello", "there"}[:1+w.rng.IntN(2)]}
	w.edit(pick(w, w.replicas...), nil, func(e *edit) error { e.handOver(c, o, Timers{}); return nil })
}

func (w *world) end() {
	w.edit(pick(w, w.replicas...), nil, func(e *edit) error {
		if e.Next != nil {
			e.Next = nil
			return nil
		}
		e.apply(event{Kind: evEnd, Reason: EndByCustomer})
		return nil
	})
}

func (w *world) forget() {
	w.edit(pick(w, w.replicas...), nil, func(e *edit) error {
		e.Next, e.Forget = nil, e.now
		e.apply(event{Kind: evEnd, Reason: EndByCustomer})
		e.forgetContent()
		return nil
	})
	for _, id := range w.accepted {
		w.forgiven[id] = true
	}
}

func (w *world) webhook() {
	at := w.now.Add(-time.Duration(w.rng.IntN(20_000)) * time.Millisecond)
	o := &openmessaging.Outbound{
		ID: w.next("w"), CustomerID: "customer", Time: at, Origin: pick(w, openmessaging.OriginHuman, openmessaging.OriginHuman, openmessaging.OriginBot),
	}
	w.edit(pick(w, w.replicas...), nil, func(e *edit) error {
		if o.ConversationID = pick(w, "", "strange", w.conversation(e), w.conversation(e), w.conversation(e)); o.Origin != openmessaging.OriginBot && e.current(o) {
			w.live = later(w.live, at)
		}
		e.hear(o, openmessaging.Message{Text: o.ID}, time.Time{})
		return nil
	})
}

func (w *world) conversation(e *edit) string {
	if e.Now == nil || e.Now.ConversationID == "" {
		return "strange"
	}
	return e.Now.ConversationID
}

// signal is what Manager.recheck does.
func (w *world) signal() {
	w.edit(pick(w, w.replicas...), nil, func(e *edit) error {
		c := e.open()
		if c == nil || c.State == StateBot {
			return errUnchanged
		}
		c.PollAt, c.Poll, c.Signalled = later(e.now, c.ReadAt.Add(readPause)), false, e.now
		return nil
	})
}

// die is a process that is gone: what it did may have happened, and nobody hears of it.
func (w *world) die() {
	i := w.rng.IntN(len(w.replicas))
	var rest []*job
	for _, j := range w.work {
		if w.whose[j] != w.replicas[i] {
			rest = append(rest, j)
			continue
		}
		if w.chance(50) {
			w.happens(j)
		}
	}
	w.work, w.replicas[i] = rest, w.replica()
}

// happens notes what the outside has seen of a job.
func (w *world) happens(j *job) {
	switch {
	case j.lane == toGenesys && j.file.Out.Entries[0].Message != nil:
		w.took[j.file.Out.Entries[0].Message.ID] = true
	case j.lane == toHost && j.file.In.Entries[0].Kind == kindReturn:
		for _, u := range j.file.In.Entries[0].Back {
			w.backed[u.ID] = true
		}
	}
}

// passes lets time go by: a little, a lot, or until something is due.
func (w *world) passes() {
	d := pick(w, 10*time.Millisecond, 400*time.Millisecond, 2*time.Second, 11*time.Second, 18*time.Second, time.Minute)
	if w.chance(2) {
		d = 20 * time.Minute
	}
	w.now = w.now.Add(d)
	if w.chance(50) {
		w.now = later(w.now.Add(-d), w.record.WakeAt)
	}
	if w.now.Sub(noon()) > 10*24*time.Hour { // retention has jumped far enough
		w.now = w.now.Add(time.Second)
	}
}

// claims is what Run does with a due record.
func (w *world) claims() {
	if w.record.Data != nil {
		w.edit(pick(w, w.replicas...), nil, func(*edit) error { return nil })
	}
}

// tell adds a line to the history: what was done, and how the record is after it.
func (w *world) tell(what string, e *edit) {
	line := w.now.Format("02 15:04:05.000 ") + what
	if e.Now != nil {
		line += fmt.Sprintf(" %s %s", e.Now.ID[:6], e.Now.State)
	}
	w.history = append(w.history, fmt.Sprintf("%s out %v in %v tail %d held %d", line, queued(e.file), lineup(e.file), len(e.Tail), len(e.Held)))
}

func (w *world) String() string {
	text := fmt.Sprintf("seed %d\n", w.seed)
	for _, h := range w.history {
		text += h + "\n"
	}
	return text
}

// randomStanding is anything Genesys may show.
func (w *world) randomStanding() genesys.Standing {
	s := standing(pick(w, allPhases()...))
	s.EndedAt = time.Time{}
	switch s.Phase {
	case genesys.PhaseQueued:
		s.QueueID = pick(w, "agents", "bots", "billing")
	case genesys.PhaseEnded, genesys.PhaseWrapup:
		if w.chance(80) {
			s.EndedAt = w.now.Add(-time.Duration(w.rng.IntN(30_000)) * time.Millisecond)
		}
	default:
		s.Agent.UserID = pick(w, "a1", "b2", "")
	}
	return s
}
