package simulation

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// errDead is the result of all calls of a process that has crashed.
var errDead = errors.New("simulation: this process has crashed")

// A replica is one process with a Manager. After a crash another replica replaces it.
type replica struct {
	w            *world
	index        int
	incarnation  int
	name         string
	newer        bool // runs the next release
	skew         time.Duration
	frozenUntil  time.Duration // it does not run until then
	stalledUntil time.Duration // end of the last time in which it did not run
	dead         bool
	stopping     bool // it is being stopped
	manager      *engine.Manager
	socket       *engine.SocketOwner
	cancel       context.CancelFunc
	waiters      []*waiter
}

// The ids of the simulated organisation.
const (
	botQueue   = "00000000-0000-4000-8000-00000000b070"
	agentQueue = "00000000-0000-4000-8000-00000000a001"
	otherQueue = "00000000-0000-4000-8000-00000000a002"
)

func newReplica(w *world, index int) *replica {
	r := &replica{w: w, index: index}
	d := newRandom(w.plan.seed, ident("clock", index))
	r.name = ident("r", index)
	r.newer = w.plan.has(faultFormats) && index%2 == 0
	if w.plan.has(faultSkew) {
		r.skew = d.between(-2*time.Second, 2*time.Second)
	}
	return r
}

// start starts the process.
func (r *replica) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	m := engine.New(r.config(), r.environment(r.w.plan.seed))
	r.manager, r.socket = m, m.SocketOwner("")
	r.w.logf("", "%s begins", r.name)
	r.w.start("run of "+r.name, r, func() {
		_ = m.Run(ctx)
		if !r.dead {
			r.onStopped()
		}
	})
}

// onStopped is called when Run has returned. It checks that all effects had the time to finish, and
// ends the process.
func (r *replica) onStopped() {
	r.w.logf("", "%s has stopped", r.name)
	for _, e := range []effectLanes{r.w.host.callbacks, r.w.genesys.sending} {
		for k, o := range e.running {
			if o.replica == r && !o.deaf && r.steady() && r.w.now-o.startedAt < effectTime {
				r.w.fail("a stop lets effects finish", k, "%s: %s", r.name, o.what)
			}
		}
	}
	if !r.w.finished {
		r.exit()
	}
}

// exit ends the process. Its tasks have no effect any more.
func (r *replica) exit() {
	r.dead = true
	for _, t := range r.w.tasks {
		if t.process == r && t.parked {
			r.w.wake(t, r.w.now)
		}
	}
}

func (r *replica) config() engine.Config {
	var s engine.Store = &replicaStore{r}
	var t http.RoundTripper = &transport{r}
	if r.w.bug.store != nil {
		s = r.w.bug.store(s, r)
	}
	if r.w.bug.calls != nil {
		t = r.w.bug.calls(t, r)
	}
	c := engine.Config{
		Store: s, Workers: r.w.plan.workers, NoCopies: r.w.bug.store != nil,
		Deliver: r.deliver, Return: r.returned, Notify: r.notify,
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: t})},
	}
	if r.w.plan.tenants == tenantsHost {
		c.Channels = r.channels
	} else {
		c.Channel = r.channel(r.onlyChannel())
	}
	return c
}

// serves reports whether customers and webhooks reach the process.
func (r *replica) serves() bool { return !r.dead && !r.stopping }

// crash ends the process at once.
func (r *replica) crash() {
	if r.dead {
		return
	}
	r.w.logf("", "%s crashes", r.name)
	if r.cancel != nil {
		r.cancel()
	}
	r.exit()
}

// restart replaces the process by a new one.
func (r *replica) restart() {
	n := newReplica(r.w, r.index)
	n.incarnation = r.incarnation + 1
	n.name = ident(r.name[:2]+"-", n.incarnation)
	r.w.replicas[r.index] = n
	n.start()
}

// runLifecycle stops the processes of one replica, and starts new ones after a stop or a crash.
func (r *replica) runLifecycle() {
	w, d := r.w, newRandom(r.w.plan.seed, "fate of "+r.name)
	for !w.finished && !w.healed {
		w.pause(d.between(time.Second, 40*time.Second))
		now := w.replicas[r.index]
		switch {
		case w.finished || w.healed:
		case !now.serves():
			now.restart()
		case w.plan.has(faultStop) && d.chance(0.2):
			now.stopping = true
			w.logf("", "%s is stopped", now.name)
			now.cancel()
			now.wakeWaiters()
		}
	}
}

// yieldPoint suspends the current task for d. Here the process may crash, stop running for a time,
// or let other tasks run. It returns false if the process is dead.
func (r *replica) yieldPoint(d time.Duration) bool {
	if r.dead || r.w.finished {
		return false
	}
	switch {
	case r.w.happens(faultCrash) && r.w.chaos.chance(0.3):
		r.crash()
		return false
	case r.w.happens(faultStall) && r.w.chaos.chance(0.3):
		r.frozenUntil = r.w.now + r.w.chaos.between(5*time.Second, 25*time.Second)
		r.stalledUntil = r.frozenUntil
		r.w.logf("", "%s does not run until %.3f", r.name, r.frozenUntil.Seconds())
	}
	r.w.pause(d)
	return !r.dead && !r.w.finished
}

// A waiter is a task of a replica that waits for a channel or for its context.
type waiter struct {
	task  *task
	done  func() bool // reports whether its context is done
	ready <-chan struct{}
	got   bool // ready was closed or had a value
	woken bool
}

// environment returns the clock, the random numbers and the scheduling of the replica's engine.
func (r *replica) environment(seed uint64) environment.Environment {
	return environment.Environment{
		Now:    r.clock,
		Until:  context.WithDeadline, // only its deadline is used, see untilDeadline
		Wait:   r.wait,
		Go:     func(f func()) { r.w.start("effect of "+r.name, r, f) },
		Chance: newRandomSource(seed, "chance of "+r.name),
	}
}

// clock returns the time by the clock of this machine, which differs from the others.
func (r *replica) clock() time.Time { return epoch.Add(r.w.now + r.skew) }

// wait suspends a task of the engine. The engine waits in no other way.
func (r *replica) wait(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
	t := r.w.current
	if r.w.finished || r.dead {
		return false, context.Canceled
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	d, late := r.untilDeadline(ctx, d)
	x := &waiter{task: t, done: func() bool { return ctx.Err() != nil }, ready: ready}
	r.waiters = append(r.waiters, x)
	r.w.step(t)
	if !x.woken {
		r.w.wake(t, r.w.now+max(d, 0))
	}
	r.w.park(t)
	r.waiters = slices.DeleteFunc(r.waiters, func(o *waiter) bool { return o == x })
	switch {
	case x.got:
		return true, nil
	case r.w.finished || r.dead:
		return false, context.Canceled
	case ctx.Err() != nil:
		return false, ctx.Err()
	case late:
		return false, context.DeadlineExceeded
	default:
		return false, nil
	}
}

// untilDeadline shortens d to the deadline of ctx, by the clock of this replica. The context itself
// only knows real time.
func (r *replica) untilDeadline(ctx context.Context, d time.Duration) (left time.Duration, late bool) {
	if deadline, ok := ctx.Deadline(); ok {
		if left := deadline.Sub(r.clock()); left < d {
			return max(left, 0), true
		}
	}
	return d, false
}

// wakeWaiters wakes the tasks of the replica that no longer have to wait.
func (r *replica) wakeWaiters() {
	for _, x := range r.waiters {
		if x.woken {
			continue
		}
		select {
		case <-x.ready:
			x.got, x.woken = true, true
		default:
			x.woken = x.done()
		}
		if x.woken {
			r.w.wake(x.task, r.w.now)
		}
	}
}
