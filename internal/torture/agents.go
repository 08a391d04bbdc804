package torture

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// How agents behave.
const (
	agentCount = 5
	glance     = 150 * time.Millisecond // between two reads of a conversation
	declineOne = 15                     // one in so many offers is declined
	// One in so many conversations is ended while the customer writes.
	endEarly   = 4
	silentOne  = 8 // one in so many messages is not answered
	twoInOneGo = 8 // one in so many answers is two messages
	// Before a message, so that two have different milliseconds at Genesys.
	typing      = 30 * time.Millisecond
	earlyAtMost = 8 // messages read before an early end
)

// A team is the agents. All their messages to one customer are numbered in one sequence.
type team struct {
	stage *stage

	mu   sync.Mutex
	sent map[string]int // messages, by customer
}

// work runs the agents until ctx ends.
func (t *team) work(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range agentCount {
		name := string(rune('A' + i))
		agent, r := t.stage.org.Agent("Agent "+name, t.stage.org.Channel().AgentQueue), t.stage.rand("agent "+name)
		wg.Go(func() {
			for {
				offer, err := agent.Next(ctx)
				if err != nil {
					return
				}
				if r.IntN(declineOne) == 0 {
					offer.Decline()
					continue
				}
				desk, r := offer.Accept(), rand.New(rand.NewPCG(r.Uint64(), 0)) //nolint:gosec // a simulation, no secret
				wg.Go(func() { t.serve(ctx, desk, r) })
			}
		})
	}
	wg.Wait()
}

// serve handles one conversation: the agent answers the customer's messages, and ends the
// conversation when all of them have arrived, or some time before.
func (t *team) serve(ctx context.Context, d *genesystest.Desk, r *rand.Rand) {
	customer := d.Conversation().CustomerID()
	early := 0
	if r.IntN(endEarly) == 0 {
		early = 1 + r.IntN(earlyAtMost)
	}
	for read := 0; d.Active() && pause(ctx, glance/2+time.Duration(r.Int64N(int64(glance)))); {
		texts := d.Texts()
		fresh := texts[min(read, len(texts)):]
		read = len(texts)
		for _, text := range fresh {
			if isMarker(text, byCustomer) && r.IntN(silentOne) > 0 {
				t.reply(ctx, d, customer, r)
			}
		}
		if early > 0 && read > early || t.stage.book.settled(customer, t.stage.opt.messages) {
			d.End()
		}
	}
}

func (t *team) reply(ctx context.Context, d *genesystest.Desk, customer string, r *rand.Rand) {
	messages := 1
	if r.IntN(twoInOneGo) == 0 {
		messages++
	}
	for range messages {
		if pause(ctx, typing/4+time.Duration(r.Int64N(int64(typing)))) {
			t.send(d, customer)
		}
	}
}

// send sends the next line of the agents to a customer. It does nothing if the agent no longer has
// the conversation.
func (t *team) send(d *genesystest.Desk, customer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.sent[customer]
	l := line{text: marker(byAgent, customer, n), customer: customer, n: n, began: time.Now()}
	if d.Say(l.text) == "" {
		return
	}
	t.sent[customer]++
	t.stage.book.agentWrote(l)
}
