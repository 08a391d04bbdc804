package handover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// guesses remembers for a while what is only asked out of courtesy: nothing that happens to a customer depends on it.
type guesses struct {
	mu    sync.Mutex
	known map[question]*guess
	gates map[*account]chan struct{} // to be received
	told  map[toldOnce]bool
}

// A question about a queue of an account.
type question struct {
	account         *account
	kind            guessKind
	queue, division string
}

type guessKind string

const (
	askQueue  guessKind = "queue"  // its id
	askAgents guessKind = "agents" // how many serve it
	askWait   guessKind = "wait"   // how long a message waits
)

type toldOnce struct {
	account *account
	kind    guessKind
}

// A guess is an answer, or one that is under way: whoever wants the same meanwhile gets it.
type guess struct {
	count *int
	wait  *time.Duration
	text  string
	err   error // of the question itself: there is no such queue

	done  chan struct{}
	until time.Time // zero: it was given up, and somebody else may ask
}

const (
	guessTime     = 30 * time.Second
	guessPatience = time.Second // who waits less for an answer says nothing of Genesys
	guessGates    = 4           // questions to one account at once: the slots of its requests are the messages'
	guessRoom     = 512         // then old ones are dropped
)

// guess gives an answer that is not older than half a minute, or asks: one asks for all who want to know. Empty: unknown, or
// ctx has ended before the answer came.
func (m *Manager) guess(
	ctx context.Context, k *known, q question, ask func(context.Context, *known, question) (guess, error),
) guess {
	for {
		g, mine := m.guesses.find(q, m.now())
		if mine {
			m.answer(ctx, k, q, g, ask)
			return g.answer()
		}
		switch answered, err := m.await(ctx, askTime, g.done); {
		case err != nil:
			return guess{}
		case answered && !g.until.IsZero():
			return g.answer()
		case ctx.Err() != nil:
			return guess{}
		}
	}
}

// answer is what may be copied before the next one asks.
func (g *guess) answer() guess { return guess{count: g.count, wait: g.wait, text: g.text, err: g.err} }

// find gives what is known or under way. mine: nothing is, and the caller is the one who asks now.
func (g *guesses) find(q question, now time.Time) (found *guess, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := func(x *guess) bool {
		select {
		case <-x.done:
			return !now.Before(x.until)
		default:
			return false
		}
	}
	if x := g.known[q]; x != nil && !old(x) {
		return x, false
	}
	if len(g.known) >= guessRoom {
		maps.DeleteFunc(g.known, func(_ question, x *guess) bool { return old(x) })
	}
	if g.known == nil {
		g.known = map[question]*guess{}
	}
	x := &guess{done: make(chan struct{})}
	g.known[q] = x
	return x, true
}

// answer asks and fills g in. What failed is as unknown as what Genesys does not know, and is not asked again at once either;
// unless it was not asked at all, or whoever asked has lost patience.
func (m *Manager) answer(
	ctx context.Context, k *known, q question, g *guess, ask func(context.Context, *known, question) (guess, error),
) {
	defer close(g.done)
	gate := m.guesses.gate(q.account)
	if free, err := m.await(ctx, availabilityTime, gate); err != nil || !free {
		return
	}
	defer func() { gate <- struct{}{} }()
	began := m.now()
	a, err := ask(ctx, k, q)
	if err != nil {
		if unasked(err, m.now().Sub(began)) {
			return
		}
		a = guess{err: m.refusedGuess(k, q, err)}
	}
	g.count, g.wait, g.text, g.err, g.until = a.count, a.wait, a.text, a.err, m.now().Add(guessTime)
}

// unasked reports whether an error says nothing of the question: it was not sent, or the answer not awaited.
func unasked(err error, after time.Duration) bool {
	if _, waits := errors.AsType[*waitError](err); waits {
		return true
	}
	_, answered := apiError(err)
	impatient := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && after < guessPatience
	return !answered && impatient
}

func (g *guesses) gate(a *account) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gates[a] == nil {
		if g.gates == nil {
			g.gates = map[*account]chan struct{}{}
		}
		g.gates[a] = tokens(guessGates)
	}
	return g.gates[a]
}

// refusedGuess reads an error: nil where it only makes the answer unknown. That something may not be asked is logged once.
func (m *Manager) refusedGuess(k *known, q question, err error) error {
	switch {
	case errors.Is(err, genesys.ErrUnauthorized):
		m.doubtChannel(k.channel.ID, err)
	case errors.Is(err, genesys.ErrForbidden) && m.guesses.first(toldOnce{q.account, q.kind}):
		m.log.Warn("the availability of queues is unknown: Genesys refused to tell", slog.String("channel", k.channel.ID),
			slog.String("what", string(q.kind)), slog.String("why", explain(err)))
	case errors.Is(err, genesys.ErrNotFound), errors.Is(err, genesys.ErrAmbiguous):
		if q.kind != askQueue {
			m.forgetQueues() // the name has another id by now, or none
		}
		return fmt.Errorf("%w: %w", ErrNoQueue, err)
	}
	return nil
}

func (g *guesses) first(t toldOnce) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.told == nil {
		g.told = map[toldOnce]bool{}
	}
	was := g.told[t]
	g.told[t] = true
	return !was
}
