package handover

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// An Availability says what a customer who asks for an agent may expect of a queue. It is a hint and up to half a minute old:
// agents come and go. Nil is unknown, which is neither "nobody" nor "no wait".
type Availability struct {
	// Agents counts the members of the queue who serve it: joined, and by their routing status idle, interacting or
	// communicating; so some of them may be busy. OFF_QUEUE does not count, nor does NOT_RESPONDING: Genesys offers such an
	// agent nothing until they say that they are back. Unknown if a member's status cannot be read, or if the queue has more
	// than 500 members.
	Agents *int

	// Wait is how long Genesys believes that a message waits in the queue. Genesys has no guess for a queue that has been
	// quiet. UNCERTAIN whether it ever guesses for a queue without agents: do not read a Wait as a promise that one will come.
	Wait *time.Duration
}

const (
	availabilityTime = lookupTime // bounds what a caller of Availability waits for Genesys
	waitTime         = 1500 * time.Millisecond
	memberPages      = 5   // then the members are not counted
	memberPage       = 100 // members a request
)

// Availability says what is known of a queue: who serves it, and how long a message waits. queue is an exact name or an id;
// empty is the channel's AgentQueue. It answers within 4 seconds; what Genesys did not say by then, or refused, is nil. An
// answer is kept for half a minute, and whoever asks meanwhile gets it without a request, so it may be asked for every
// customer. It never spends the part of the rate limit that messages need: where that is all there is left, the fields are nil.
//
// It needs Routing > Queue > View. A permission that is missing makes a field nil and is logged once; no handover waits for
// this or fails because of it.
//
// Errors: ErrNoQueue with the nearest names, ErrNoChannel, what Config.Channels returned, and the context's. Safe for
// concurrent use.
//
// See https://developer.genesys.cloud/routing/routing/
func (m *Manager) Availability(ctx context.Context, channel, queue string) (Availability, error) {
	began := m.now()
	a, err := m.availability(ctx, channel, queue)
	m.observe(ctx, "availability", began, err)
	return a, err
}

func (m *Manager) availability(ctx context.Context, channel, queue string) (Availability, error) {
	k, err := m.channel(ctx, m.channelID(channel))
	if err != nil {
		return Availability{}, err
	}
	if queue == "" {
		queue = k.channel.AgentQueue
	}
	if queue == "" {
		return Availability{}, fmt.Errorf("%w: the channel has no AgentQueue, so name a queue", ErrNoQueue)
	}
	bounded, cancel := m.within(ctx, availabilityTime)
	defer cancel()
	id := m.queueOf(bounded, k, queue)
	if id.err != nil {
		return Availability{}, id.err
	}
	var a Availability
	if id.text != "" {
		a.Wait = m.waitOf(bounded, k, id.text)
		agents := m.guess(bounded, k, question{k.account, askAgents, id.text, ""}, m.countAgents)
		if a.Agents = agents.count; agents.err != nil {
			return Availability{}, agents.err
		}
	}
	if err := ctx.Err(); err != nil {
		return Availability{}, err
	}
	return a, nil
}

// queueOf gives the id of a queue, like resolve, but out of courtesy. A wrong name is remembered, too.
func (m *Manager) queueOf(ctx context.Context, k *known, name string) guess {
	if uuid.MatchString(name) {
		return guess{text: strings.ToLower(name)}
	}
	m.queues.mu.Lock()
	known, ok := m.queues.ids[queueName{k.account, name, k.channel.Division}]
	m.queues.mu.Unlock()
	if ok && m.now().Before(known.until) {
		return guess{text: known.id}
	}
	return m.guess(ctx, k, question{k.account, askQueue, name, k.channel.Division}, m.findQueue)
}

func (m *Manager) findQueue(ctx context.Context, k *known, q question) (guess, error) {
	var found *genesys.Queue
	err := k.account.beside(ctx, func(ctx context.Context) (err error) {
		found, err = k.account.client.Routing.QueueNamed(ctx, q.queue, q.division)
		return err
	})
	if err != nil {
		return guess{}, err
	}
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	m.queues.ids[queueName{q.account, q.queue, q.division}] = queueID{id: found.ID, until: m.now().Add(queueTime)}
	return guess{text: found.ID}, nil
}

// waitOf is Genesys' guess how long a message waits in a queue, nil if it is unknown. It takes a second and a half at most.
func (m *Manager) waitOf(ctx context.Context, k *known, queueID string) *time.Duration {
	if queueID == "" {
		return nil
	}
	ctx, cancel := m.within(ctx, waitTime)
	defer cancel()
	return m.guess(ctx, k, question{k.account, askWait, queueID, ""}, m.estimateWait).wait
}

func (m *Manager) estimateWait(ctx context.Context, k *known, q question) (guess, error) {
	var g guess
	err := k.account.beside(ctx, func(ctx context.Context) error {
		d, known, err := k.account.client.Routing.EstimatedWait(ctx, q.queue)
		if known {
			g.wait = &d
		}
		return err
	})
	return g, err
}

// countAgents counts who serves a queue. Each page is a request, so each needs a share of its own.
func (m *Manager) countAgents(ctx context.Context, k *known, q question) (guess, error) {
	serving, seen, certain := 0, 0, true
	err := k.account.beside(ctx, func(ctx context.Context) error {
		for member, err := range k.account.client.Routing.Members(ctx, q.queue) {
			if err != nil {
				return err
			}
			serves, known := serves(member)
			if certain = certain && known; serves {
				serving++
			}
			if seen++; seen%memberPage != 0 {
				continue
			}
			if certain = certain && seen < memberPages*memberPage; !certain {
				return nil
			}
			if err := k.account.take(shareCourtesy); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !certain {
		return guess{}, err
	}
	return guess{count: &serving}, nil
}

// serves reports whether a member takes conversations of the queue, if that is known.
func serves(m genesys.Member) (serves, known bool) {
	if !m.Joined {
		return false, true
	}
	switch m.RoutingStatus {
	case "IDLE", "INTERACTING", "COMMUNICATING":
		return true, true
	case "OFF_QUEUE", "NOT_RESPONDING":
		return false, true
	default:
		return false, false
	}
}
