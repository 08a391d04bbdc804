package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// What agents are like.
const (
	agentCount  = 5
	glance      = 150 * time.Millisecond // between two looks at a conversation
	declineOne  = 15                     // of so many offers
	endEarly    = 4                      // of so many conversations one is ended while the customer writes
	silentOne   = 8                      // of so many messages is not answered
	twoInOneGo  = 8                      // of so many answers comes in two messages
	typing      = 30 * time.Millisecond  // before a message: Genesys' clock tells them apart by milliseconds
	earlyAtMost = 8                      // messages read before an early end
)

// A team is the agents. What they say to a customer is numbered, whoever says it.
type team struct {
	stage *stage

	mu   sync.Mutex
	said map[string]int // by customer
}

// work lets the agents work until ctx ends.
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
				desk, r := offer.Accept(), rand.New(rand.NewPCG(r.Uint64(), 0)) //nolint:gosec // a play, no secret
				wg.Go(func() { t.serve(ctx, desk, r) })
			}
		})
	}
	wg.Wait()
}

// serve is one conversation at a desk: the agent answers what the customer writes, and ends it when the customer has written all
// and all is there, or some time before.
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
			t.say(d, customer)
		}
	}
}

// say sends the next line of the agents to a customer. One who no longer has the conversation says nothing.
func (t *team) say(d *genesystest.Desk, customer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.said[customer]
	l := line{text: marker(byAgent, customer, n), lane: customer, n: n, began: time.Now()}
	if d.Say(l.text) == "" {
		return
	}
	t.said[customer]++
	t.stage.book.said(l)
}
