package simulation

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
)

// errDead is what a process that has crashed would get, if it still were.
var errDead = errors.New("simulation: this process has crashed")

// A replica is one process with a Manager. When it comes back after a crash it is another one.
type replica struct {
	w       *world
	index   int
	life    int
	name    string
	newer   bool // of the next release
	skew    time.Duration
	frozen  time.Duration // it stands still until
	stalled time.Duration // when it stood still last, until
	dead    bool
	leaving bool // it is being stopped
	manager *handover.Manager
	socket  *handover.SocketOwner
	cancel  context.CancelFunc
	waiters []*waiter
}

// The ids of the simulated organisation.
const (
	integration = "00000000-0000-4000-8000-000000000001"
	botQueue    = "00000000-0000-4000-8000-00000000b070"
	agentQueue  = "00000000-0000-4000-8000-00000000a001"
	otherQueue  = "00000000-0000-4000-8000-00000000a002"
)

func newReplica(w *world, index int) *replica {
	r := &replica{w: w, index: index}
	d := newDice(w.plan.seed, ident("clock", index))
	r.name = ident("r", index)
	r.newer = w.plan.has(faultFormats) && index%2 == 0
	if w.plan.has(faultSkew) {
		r.skew = d.between(-2*time.Second, 2*time.Second)
	}
	return r
}

// begin starts the process.
func (r *replica) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	m, err := handover.NewSimulated(r.config(), r.door(r.w.plan.seed))
	if err != nil {
		r.w.fail("a Manager can be made", "", "%v", err)
		return
	}
	r.manager, r.socket = m, m.SocketOwner("")
	r.w.tell("", "%s begins", r.name)
	r.w.start("run of "+r.name, r, func() {
		_ = m.Run(ctx)
		if !r.dead {
			r.stopped()
		}
	})
}

// stopped: Run has returned, so the process ends. What it had under way has finished, or has had the time for it.
func (r *replica) stopped() {
	r.w.tell("", "%s has stopped", r.name)
	for _, e := range []effects{r.w.host.lane, r.w.genesys.lane} {
		for k, o := range e.active {
			if o.r == r && r.calm() && r.w.now-o.began < effectTime {
				r.w.fail("a stop lets effects finish", k, "%s: %s", r.name, o.what)
			}
		}
	}
	if !r.w.over {
		r.exit()
	}
}

// exit ends the process: what it still does comes to nothing.
func (r *replica) exit() {
	r.dead = true
	for _, t := range r.w.tasks {
		if t.process == r && t.parked {
			r.w.wake(t, r.w.now)
		}
	}
}

func (r *replica) config() handover.Config {
	p := &r.w.plan
	ch := handover.Channel{
		Region: region.EUWest1, ClientID: "client", ClientSecret: handover.NewSecret("secret"), IntegrationID: integration,
		WebhookSecrets: []handover.Secret{handover.NewSecret("a-secret-of-some-length")}, AgentQueue: agentQueue,
		Routing: p.routing, Identity: p.identity, Timers: p.timers,
	}
	if p.bot {
		ch.BotQueue = botQueue
	}
	if p.has(faultDenied) {
		ch.LeftText = "left"
	}
	var s handover.Store = &replicaStore{r}
	var t http.RoundTripper = &transport{r}
	if r.w.bug.store != nil {
		s = r.w.bug.store(s, r)
	}
	if r.w.bug.calls != nil {
		t = r.w.bug.calls(t, r)
	}
	return handover.Config{
		Channel: ch, Store: s, Workers: p.workers,
		Deliver: r.deliver, Return: r.giveBack, Notify: r.notify,
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: t})},
	}
}

// serves reports whether customers and webhooks reach it.
func (r *replica) serves() bool { return !r.dead && !r.leaving }

// die ends the process at once.
func (r *replica) die() {
	if r.dead {
		return
	}
	r.w.tell("", "%s crashes", r.name)
	if r.cancel != nil {
		r.cancel()
	}
	r.exit()
}

// again replaces a process that is gone.
func (r *replica) again() {
	n := newReplica(r.w, r.index)
	n.life = r.life + 1
	n.name = ident(r.name[:2]+"-", n.life)
	r.w.replicas[r.index] = n
	n.begin()
}

// fate starts and stops the processes of one replica, and starts them again after a crash.
func (r *replica) fate() {
	w, d := r.w, newDice(r.w.plan.seed, "fate of "+r.name)
	for !w.over && !w.healed {
		w.pause(d.between(time.Second, 40*time.Second))
		now := w.replicas[r.index]
		switch {
		case w.over || w.healed:
		case !now.serves():
			now.again()
		case w.plan.has(faultStop) && d.chance(0.2):
			now.leaving = true
			w.tell("", "%s is stopped", now.name)
			now.cancel()
			now.notice()
		}
	}
}

// point is where a process may crash, stand still, or lose its turn. False: it is dead.
func (r *replica) point(d time.Duration) bool {
	if r.dead || r.w.over {
		return false
	}
	switch {
	case r.w.happens(faultCrash) && r.w.chaos.chance(0.3):
		r.die()
		return false
	case r.w.happens(faultStall) && r.w.chaos.chance(0.3):
		r.frozen = r.w.now + r.w.chaos.between(5*time.Second, 25*time.Second)
		r.stalled = r.frozen
		r.w.tell("", "%s stands still until %.3f", r.name, r.frozen.Seconds())
	}
	r.w.pause(d)
	return !r.dead && !r.w.over
}
