package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// queues caches the ids of queue names for queueTime, so that not every handover needs a
// lookup.
type queues struct {
	mu  sync.Mutex
	ids map[queueName]queueID
}

type queueName struct {
	account        *account.Account
	name, division string
}

type queueID struct {
	id    string
	until time.Time
}

const queueTime = 10 * time.Minute

// uuid matches a queue id. Anything else is a queue name.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// resolve returns the id of the queue that name identifies, which is a name or an id. The error
// is ErrNoQueue if no queue or several queues have the name.
func (m *Manager) resolve(ctx context.Context, k *channelState, name string) (string, error) {
	if name == "" || uuid.MatchString(name) {
		return strings.ToLower(name), nil // Genesys writes ids in lower case
	}
	return m.queueID(ctx, k, name, func(ctx context.Context, call func(context.Context) error) error {
		return k.account.Do(ctx, account.ShareReads, call)
	})
}

// queueID returns the id of the queue with a name, from the cache or with one request, which do
// performs.
func (m *Manager) queueID(
	ctx context.Context, k *channelState, name string, do func(context.Context, func(context.Context) error) error,
) (string, error) {
	key := queueName{k.account, name, k.channel.Division}
	m.queues.mu.Lock()
	known, ok := m.queues.ids[key]
	m.queues.mu.Unlock()
	if ok && m.Now().Before(known.until) {
		return known.id, nil
	}
	var q *genesys.Queue
	err := do(ctx, func(ctx context.Context) (err error) {
		q, err = k.account.Client.Routing.QueueNamed(ctx, name, k.channel.Division)
		return err
	})
	if errors.Is(err, genesys.ErrNotFound) || errors.Is(err, genesys.ErrAmbiguous) {
		return "", machine.Invalid(fmt.Errorf("%w: %w", record.ErrNoQueue, err))
	}
	if err != nil {
		return "", err
	}
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	m.queues.ids[key] = queueID{id: q.ID, until: m.Now().Add(queueTime)}
	return q.ID, nil
}

// nameTime is short, because the name of a queue is only for people and must not delay the steps
// after a read.
const nameTime = 2 * time.Second

// queueName returns the name of a queue, or "" if it cannot be read.
func (m *Manager) queueName(ctx context.Context, k *channelState, id string) string {
	ctx, cancel := m.Within(ctx, nameTime)
	defer cancel()
	var q *genesys.Queue
	err := k.account.Do(ctx, account.ShareReads, account.Uncounted(func(ctx context.Context) (err error) {
		q, err = k.account.Client.Routing.Queue(ctx, id)
		return err
	}))
	if err != nil {
		return ""
	}
	return q.Name
}

// forgetQueues clears the cache, because a transfer failed with an unknown queue.
func (m *Manager) forgetQueues() {
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	clear(m.queues.ids)
}

// An Availability describes what a customer who requests an agent can expect of a queue.
type Availability struct {
	// Agents is the number of members who serve the queue: they have joined it and their routing
	// status is idle, interacting or communicating, so some of them may be busy. Members with
	// OFF_QUEUE or NOT_RESPONDING do not count, because Genesys offers them no conversations until
	// they return. It is unknown if a member's status cannot be read, or if the queue has more than
	// 500 members.
	Agents *int

	// Wait is how long Genesys estimates that a message waits in the queue. There is no estimate
	// for a queue that has been quiet. UNCERTAIN whether Genesys estimates for a queue without
	// agents: a Wait does not promise an agent.
	Wait *time.Duration
}

// Availability returns how many agents serve a queue and how long a message waits.
func (m *Manager) Availability(ctx context.Context, channel, queue string) (a Availability, err error) {
	defer m.observing(ctx, OpAvailability, channel)(&err)
	k, err := m.channel(ctx, m.channelID(channel))
	if err != nil {
		return Availability{}, err
	}
	if queue == "" {
		queue = k.channel.AgentQueue
	}
	if queue == "" {
		return Availability{}, machine.Invalid(fmt.Errorf("%w: the channel has no AgentQueue, so name a queue", record.ErrNoQueue))
	}
	limit := m.Now().Add(account.AvailabilityTime)
	id := strings.ToLower(queue)
	if !uuid.MatchString(queue) {
		found := m.fact(ctx, k, factKey{k.account, "queue", queue, k.channel.Division}, limit, func(ctx context.Context, f *fact) (err error) {
			f.id, err = m.queueID(ctx, k, queue, k.account.Ask)
			return err
		})
		if id = found.id; found.err != nil {
			return Availability{}, found.err
		}
	}
	wait := m.waitOf(ctx, k, id, limit)
	agents := m.fact(ctx, k, factKey{k.account, "agents", id, ""}, limit, func(ctx context.Context, f *fact) error {
		return k.account.Ask(ctx, func(ctx context.Context) (err error) {
			f.agents, err = k.account.CountAgents(ctx, id)
			return err
		})
	})
	return Availability{Agents: copyOf(agents.agents), Wait: wait}, cmp.Or(agents.err, ctx.Err())
}

// waitOf returns Genesys' estimate of how long a message waits in a queue, or nil if it is unknown
// after WaitTime, or at the limit if that is earlier.
func (m *Manager) waitOf(ctx context.Context, k *channelState, queueID string, limit time.Time) *time.Duration {
	limit = machine.Earlier(limit, m.Now().Add(account.WaitTime))
	return copyOf(m.fact(ctx, k, factKey{k.account, "wait", queueID, ""}, limit, func(ctx context.Context, f *fact) error {
		return k.account.Ask(ctx, func(ctx context.Context) error {
			d, known, err := k.account.Client.Routing.EstimatedWait(ctx, queueID)
			if known {
				f.wait = &d
			}
			return err
		})
	}).wait)
}

// copyOf returns a copy of a cached value, because the host may change the result.
func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// facts caches the answers of Genesys about queues.
type facts struct {
	mu     sync.Mutex
	known  map[factKey]*knownFact
	warned map[factKey]*bool // without a queue: one warning for each account and kind
}

type factKey struct {
	account               *account.Account
	kind, queue, division string
}

// A fact is one answer. It is empty if the request failed.
type fact struct {
	id     string
	agents *int
	wait   *time.Duration
	err    error // ErrNoQueue
}

// A knownFact is a fact until a time. It belongs to the goroutine that received from free.
type knownFact struct {
	free  chan struct{}
	fact  fact
	until time.Time
}

// fact returns an answer that is at most half a minute old: the last one, or that of ask. It
// returns the zero fact if there is none at the time limit, when ctx ends, or without a queue.
// Callers with the same question wait for one another.
func (m *Manager) fact(
	ctx context.Context, k *channelState, key factKey, limit time.Time, ask func(context.Context, *fact) error,
) fact {
	if key.queue == "" {
		return fact{}
	}
	f := m.facts.of(key)
	if free, err := m.Await(ctx, limit.Sub(m.Now()), f.free); err != nil || !free {
		return fact{}
	}
	defer func() { f.free <- struct{}{} }()
	if m.Now().Before(f.until) {
		return f.fact
	}
	bounded, cancel := m.Until(ctx, limit)
	defer cancel()
	var answer fact
	began := m.Now()
	err := ask(bounded, &answer)
	_, unsent := errors.AsType[*record.WaitError](err)
	if unsent || ctx.Err() != nil && m.Now().Sub(began) < account.FactPatience {
		return fact{} // the next caller asks again
	}
	answer.err = m.noQueue(k, key, err)
	f.fact, f.until = answer, m.Now().Add(account.FactTime)
	return answer
}

func (x *facts) of(key factKey) *knownFact {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := entry(&x.known, key, account.FactRoom)
	if f.free == nil {
		f.free = environment.Tokens(1)
	}
	return f
}

// firstWarning reports whether it is called for the first time for an account and a kind.
func (x *facts) firstWarning(key factKey) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	warned := entry(&x.warned, factKey{account: key.account, kind: key.kind}, math.MaxInt)
	first := !*warned
	*warned = true
	return first
}

// noQueue returns the error of a fact: ErrNoQueue if there is no such queue, otherwise nil. A
// refusal is logged once.
func (m *Manager) noQueue(k *channelState, key factKey, err error) error {
	switch {
	case errors.Is(err, genesys.ErrUnauthorized):
		m.doubtChannel(k.channel.ID, err)
	case errors.Is(err, genesys.ErrForbidden) && m.facts.firstWarning(key):
		m.log.Warn("the availability of queues is unknown: Genesys refused the request", slog.String("channel", k.channel.ID),
			slog.String("what", key.kind), slog.String("why", record.Explain(err)))
	case errors.Is(err, record.ErrNoQueue):
		return err
	case errors.Is(err, genesys.ErrNotFound):
		m.forgetQueues() // the name has another id now, or none
		return fmt.Errorf("%w: %w", record.ErrNoQueue, err)
	}
	return nil
}
