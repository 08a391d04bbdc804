package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A soak plays one customer, one bot and agents who act at random, with random failures.
type soak struct {
	*testing.T

	h      *host
	org    *genesystest.Org
	agents []*genesystest.Agent
	random *rand.Rand
	flaky  atomic.Int64 // remaining failures of callbacks

	asked  []string          // the customer's messages that went to the agents
	said   map[string]string // agents' messages by id
	offers []*genesystest.Offer
	chats  []*genesystest.Desk
	shifts []*shift
	n      int
}

// A shift is the time in which an agent had a conversation.
type shift struct {
	chat     *genesystest.Desk
	from, to time.Time
}

const soakKey = "c1"

func newSoak(t *testing.T, seed uint64) *soak {
	t.Helper()
	org := genesystest.New(t, genesystest.WithDeduplication(), genesystest.WithRateLimit(0))
	s := &soak{T: t, org: org, random: rand.New(rand.NewPCG(seed, 7)), said: map[string]string{}} //nolint:gosec // repeatable
	s.agents = []*genesystest.Agent{org.Agent("Ann", "Support"), org.Agent("Bob", "Support", "Billing")}
	s.h = newHost(t, org)
	if seed%2 == 0 {
		org.Signal(s.h.desk.Recheck)
	}
	fail := func() error {
		if s.flaky.Add(-1) >= 0 {
			return errors.New("flaky")
		}
		return nil
	}
	s.h.failing(func(context.Context, handover.Delivery) error { return fail() })
	s.h.returning(func(context.Context, handover.Return) error { return fail() })
	s.h.notifying(func(context.Context, handover.Notice) error { return fail() })
	return s
}

func (s *soak) pick(n int) int { return s.random.IntN(n) }

// step makes one random action and a random pause.
func (s *soak) step() {
	switch s.pick(16) {
	case 0, 1, 2, 3:
		s.write()
	case 4, 5:
		_, err := s.h.desk.HandOver(s.Context(), handover.Customer(soakKey), handover.Request{ID: s.id("r"), Summary: "summary"})
		require.NoError(s, err)
	case 6:
		require.NoError(s, s.h.desk.End(s.Context(), handover.Customer(soakKey), handover.EndByCustomer))
	case 7:
		s.fault()
	case 8:
		s.flaky.Store(int64(s.pick(4)))
	case 9:
		s.org.InjectWebhook(genesystest.WebhookFault{
			Duplicates: s.pick(3), Apart: time.Duration(s.pick(3000)) * time.Millisecond, Delay: time.Duration(s.pick(1500)) * time.Millisecond,
		})
	default:
		s.agent()
	}
	pause := []time.Duration{0, time.Millisecond, 40 * time.Millisecond, 300 * time.Millisecond, time.Second, 4 * time.Second, 20 * time.Second}
	s.pass(pause[s.pick(len(pause))])
}

// pass waits and records which agents are present.
func (s *soak) pass(d time.Duration) {
	for end := time.Now().Add(d); ; {
		s.notice()
		left := time.Until(end)
		if left <= 0 {
			return
		}
		pass(min(left, 100*time.Millisecond))
	}
}

func (s *soak) id(kind string) string {
	s.n++
	return fmt.Sprintf("%s%04d", kind, s.n)
}

func (s *soak) write() {
	text := s.id("m")
	turn, err := s.h.desk.Forward(s.Context(), handover.Customer(soakKey), handover.Text(text, text))
	require.NoError(s, err)
	if turn == handover.TurnAgent {
		s.asked = append(s.asked, text)
	}
}

// fault injects a temporary failure.
func (s *soak) fault() {
	ops := []string{"openmessaging.send", "conversations.get", "conversations.transferToQueue", "openmessaging.receipt", "conversations.disconnectCommunication"}
	f := genesystest.Fault{Op: ops[s.pick(len(ops))], Times: 1 + s.pick(3)}
	switch s.pick(6) {
	case 0:
		f.Status, f.RetryAfter = http.StatusTooManyRequests, time.Duration(1+s.pick(5))*time.Second
	case 1:
		f.Status = http.StatusServiceUnavailable
	case 2:
		f.Status, f.After = http.StatusBadGateway, true
	case 3:
		f.Drop = true
	case 4:
		f.Drop, f.After = true, true
	case 5:
		f.Op, f.Stale = "conversations.get", time.Duration(s.pick(3000))*time.Millisecond
	}
	s.org.Inject(f)
}

// agent makes one agent act.
func (s *soak) agent() {
	for _, a := range s.agents {
		ctx, cancel := context.WithTimeout(s.Context(), time.Millisecond)
		if offer, err := a.Next(ctx); err == nil {
			s.offers = append(s.offers, offer)
		}
		cancel()
	}
	if len(s.offers) > 0 && s.pick(2) == 0 {
		s.answer()
		return
	}
	if len(s.chats) == 0 {
		return
	}
	switch chat := s.chats[len(s.chats)-1]; s.pick(8) {
	case 0, 1, 2, 3:
		s.say(chat)
	case 4:
		chat.TransferTo([]string{"Support", "Billing"}[s.pick(2)])
	case 5:
		chat.Park()
		pass(time.Second)
		chat.Resume()
	default:
		chat.End()
	}
}

func (s *soak) answer() {
	offer := s.offers[0]
	s.offers = s.offers[1:]
	if s.pick(3) == 0 {
		offer.Decline()
		return
	}
	chat := offer.Accept()
	s.chats = append(s.chats, chat)
	if chat.Active() {
		s.shifts = append(s.shifts, &shift{chat: chat, from: time.Now()})
	}
}

func (s *soak) say(chat *genesystest.Desk) {
	text := s.id("a")
	if id := chat.Say(text); id != "" {
		s.said[id] = text
	}
}

// notice records which agents have left.
func (s *soak) notice() {
	for _, x := range s.shifts {
		if x.to.IsZero() && !x.chat.Active() {
			x.to = time.Now()
		}
	}
}

// finish stops all failures and ends the conversation.
func (s *soak) finish() {
	s.org.ClearFaults()
	s.flaky.Store(0)
	pass(3 * time.Minute)
	for range 20 {
		s.agent()
		pass(5 * time.Second)
	}
	s.notice()
	for _, x := range s.shifts {
		x.chat.End()
	}
	require.NoError(s, s.h.desk.End(s.Context(), handover.Customer(soakKey), handover.EndByBot))
	pass(time.Minute)
	require.NoError(s, s.h.desk.End(s.Context(), handover.Customer(soakKey), handover.EndByBot))
	pass(30 * time.Minute)
	s.notice()
}

// TestSoak checks that no random sequence of actions and failures loses, repeats or reorders a
// message.
func TestSoak(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSoak(t, seed)
				for range 80 {
					s.step()
				}
				s.finish()
				s.checkAgents()
				s.checkCustomer()
				require.Equal(t, handover.TurnBot, s.h.turn(t, soakKey))
			})
		})
	}
}
