package simulation

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"
)

// epoch is when virtual time begins. It is so late that a deadline computed from it never passes in
// real time.
var epoch = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// A task is a coroutine: Run of a replica, an effect, a customer, a webhook.
type task struct {
	name    string
	process *replica // the process that it runs in, or nil if it is not part of a replica
	next    func() (struct{}, bool)
	yield   func(struct{}) bool
	turn    uint64 // events of an earlier turn are ignored
	parked  bool
}

// A scheduler runs one task at a time, in virtual time. The order of tasks that are ready at the
// same time is random.
type scheduler struct {
	now      time.Duration // since epoch
	order    random
	events   events
	current  *task
	tasks    []*task
	finished bool // tasks only return
	panics   func(text string)
	onStep   func(*task) // after each step of a task
}

// An event resumes a task or calls a function.
type event struct {
	at    time.Duration
	order uint64
	task  *task
	turn  uint64
	call  func()
}

// start makes a task that begins at the present time.
func (s *scheduler) start(name string, process *replica, f func()) {
	t := &task{name: name, process: process, parked: true}
	t.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		defer func() {
			if p := recover(); p != nil {
				s.panics(fmt.Sprintf("%s: %v\n%s", name, p, debug.Stack()))
			}
		}()
		f()
	})
	s.tasks = append(s.tasks, t)
	s.wake(t, s.now)
}

// after calls f later. f must not wait.
func (s *scheduler) after(d time.Duration, f func()) {
	heap.Push(&s.events, event{at: s.now + d, order: s.order.Uint64(), call: f})
}

// wake resumes a task at a time. It cancels any earlier call of wake for the task.
func (s *scheduler) wake(t *task, at time.Duration) {
	t.turn++
	heap.Push(&s.events, event{at: at, order: s.order.Uint64(), task: t, turn: t.turn})
}

// pause suspends the current task for d. Other tasks that are ready now may run even if d is 0.
func (s *scheduler) pause(d time.Duration) {
	t := s.current
	if s.finished || t.dead() {
		return
	}
	s.step(t)
	at := s.now + d
	if t.awake(at) && (len(s.events) == 0 || s.events[0].at > at) {
		s.now = at // no other task is ready before
		return
	}
	s.wake(t, at)
	s.park(t)
}

// park suspends the current task until it is woken.
func (s *scheduler) park(t *task) {
	t.parked = true
	t.yield(struct{}{})
}

func (t *task) dead() bool { return t.process != nil && t.process.dead }

func (t *task) awake(at time.Duration) bool { return t.process == nil || t.process.frozenUntil <= at }

// run processes events until a time, or until stop returns true.
func (s *scheduler) run(until time.Duration, stop func() bool) {
	for len(s.events) > 0 && s.events[0].at <= until && !stop() {
		e, _ := heap.Pop(&s.events).(event)
		s.now = max(s.now, e.at)
		switch t := e.task; {
		case t == nil:
			e.call()
			s.step(nil)
		case t.turn != e.turn || !t.parked:
		case !t.dead() && !t.awake(s.now):
			s.wake(t, t.process.frozenUntil)
		default:
			s.resume(t)
		}
	}
	if !stop() {
		s.now = max(s.now, until)
	}
}

func (s *scheduler) resume(t *task) {
	s.current, t.parked = t, false
	_, alive := t.next()
	s.current = nil
	if !alive {
		s.tasks = slices.DeleteFunc(s.tasks, func(o *task) bool { return o == t })
	}
	s.step(t)
}

func (s *scheduler) step(t *task) {
	if s.onStep != nil {
		s.onStep(t)
	}
}

// unwind lets all tasks return. From now on nothing waits, and nothing has an effect.
func (s *scheduler) unwind() {
	s.finished, s.onStep = true, nil
	for len(s.tasks) > 0 {
		s.resume(s.tasks[0])
	}
}

// events is a heap with the earliest event first.
type events []event

func (e events) Len() int { return len(e) }

func (e events) Less(i, j int) bool {
	if e[i].at != e[j].at {
		return e[i].at < e[j].at
	}
	return e[i].order < e[j].order
}

func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

func (e *events) Push(v any) {
	x, _ := v.(event)
	*e = append(*e, x)
}

func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

// A random is a stream of random numbers. There is one stream per purpose, so that one customer
// less does not change the numbers of the others.
type random struct{ *rand.Rand }

func newRandom(seed uint64, purpose string) random {
	return random{rand.New(newRandomSource(seed, purpose))} //nolint:gosec // repeatable on purpose
}

func newRandomSource(seed uint64, purpose string) rand.Source {
	h := fnv.New64a()
	_, _ = io.WriteString(h, purpose)
	return rand.NewPCG(seed, h.Sum64())
}

func (d random) chance(p float64) bool { return p > 0 && d.Float64() < p }

func (d random) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Int64N(int64(most-least)+1))
}

func pick[T any](d random, list ...T) T { return list[d.IntN(len(list))] }
