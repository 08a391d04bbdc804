package simulation

import (
	"container/heap"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"
)

// epoch is when virtual time begins: so far ahead that a deadline made of it never fires in real time.
var epoch = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// A task is a coroutine: a replica's Run, a claimed effect, a customer, a webhook.
type task struct {
	name    string
	process *replica // it runs in; nil: the world outside
	next    func() (struct{}, bool)
	yield   func(struct{}) bool
	turn    uint64 // events of an earlier turn mean nothing any more
	parked  bool
}

// A scheduler runs tasks one at a time, in virtual time. What is ready at the same time goes on in an order that chance decides.
type scheduler struct {
	now     time.Duration // since epoch
	order   dice
	events  events
	current *task
	tasks   []*task
	over    bool // nobody waits for anything any more
	panics  func(text string)
	onStep  func(*task) // after each step of a task
}

// A event goes on with a task, or calls a function.
type event struct {
	at    time.Duration
	order uint64
	task  *task
	turn  uint64
	call  func()
}

// start makes a task that begins soon.
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

// after calls f later; f may not wait.
func (s *scheduler) after(d time.Duration, f func()) {
	heap.Push(&s.events, event{at: s.now + d, order: s.order.Uint64(), call: f})
}

// wake goes on with a task at a time, and forgets when else it would have gone on.
func (s *scheduler) wake(t *task, at time.Duration) {
	t.turn++
	heap.Push(&s.events, event{at: at, order: s.order.Uint64(), task: t, turn: t.turn})
}

// pause gives the turn away for a while: at least to whoever is ready now.
func (s *scheduler) pause(d time.Duration) {
	t := s.current
	if s.over || t.dead() {
		return
	}
	s.step(t)
	at := s.now + d
	if t.awake(at) && (len(s.events) == 0 || s.events[0].at > at) {
		s.now = at // nobody else would have a turn
		return
	}
	s.wake(t, at)
	s.park(t)
}

// park gives the turn away until something wakes the task.
func (s *scheduler) park(t *task) {
	t.parked = true
	t.yield(struct{}{})
}

func (t *task) dead() bool { return t.process != nil && t.process.dead }

func (t *task) awake(at time.Duration) bool { return t.process == nil || t.process.frozen <= at }

// run goes on until nothing is left to do before a time, or stop says so.
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
			s.wake(t, t.process.frozen)
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

// unwind lets every task return: nothing waits, and nothing has an effect.
func (s *scheduler) unwind() {
	s.over, s.onStep = true, nil
	for len(s.tasks) > 0 {
		s.resume(s.tasks[0])
	}
}

// events is a heap, the earliest first.
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
