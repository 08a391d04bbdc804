package scenario_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

const crowd = 64

// lined checks that each text "<writer>/<n>" occurs once, and that those of each writer are in
// order.
func lined(t *testing.T, texts []string, who string, n int) {
	t.Helper()
	next := map[string]int{}
	for _, text := range texts {
		name, rest, ok := strings.Cut(text, "/")
		if !ok || !strings.HasPrefix(name, who) {
			continue
		}
		require.Equal(t, fmt.Sprint(next[name]), rest, "the order of %s", name)
		next[name]++
	}
	require.Len(t, next, crowd)
	for name, got := range next {
		require.Equal(t, n, got, name)
	}
}

// TestConcurrentCallsKeepEachWritersOrder checks that with 64 goroutines that forward, post
// webhooks and send signals for one customer, every message arrives once, and in order for each
// writer.
func TestConcurrentCallsKeepEachWritersOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const each = 4
		org := genesystest.New(t, genesystest.AllowErrors(), genesystest.WithRateLimit(0))
		h := newAPIHost(t, org, nil)
		ann := org.Agent("Ann", "Support")
		h.handOver(t, "r1")
		chat := ann.Wait(t).Accept()
		h.until(t, handover.StateConnected)
		id := h.session(t).ConversationID
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				for n := range each {
					text := fmt.Sprintf("c%d/%d", i, n)
					untilTaken(t, func() (handover.Turn, error) {
						return h.Forward(t.Context(), h.key, handover.Text(text, text))
					})
				}
			})
			wg.Go(func() {
				for n := range each {
					h.receive(t, fmt.Sprintf("%d-%d", i, n), openmessaging.OriginHuman, openmessaging.Message{Text: fmt.Sprintf("a%d/%d", i, n)})
					wait(10 * time.Millisecond) // messages of the same millisecond have no order
				}
			})
			wg.Go(func() {
				for range each {
					turn, err := h.Turn(t.Context(), h.key)
					if err != nil || turn != handover.TurnAgent {
						t.Errorf("Turn: %q, %v", turn, err)
					}
					if err := h.Recheck(t.Context(), id); err != nil {
						t.Error(err)
					}
					wait(time.Millisecond)
				}
			})
		}
		wg.Wait()
		genesystest.Until(t, func() bool { return len(chat.Texts()) >= 1+crowd*each && len(h.got()) >= crowd*each })
		pass(time.Minute)
		lined(t, chat.Texts(), "c", each)
		lined(t, h.got(), "a", each)
	})
}

// untilTaken repeats a Forward until there is room for the message, as a host does.
func untilTaken(t *testing.T, forward func() (handover.Turn, error)) {
	t.Helper()
	for range 1000 {
		turn, err := forward()
		if err == nil {
			if turn != handover.TurnAgent {
				t.Errorf("Forward: %q", turn)
			}
			return
		}
		wait(100 * time.Millisecond)
	}
	t.Error("never accepted")
}

// TestConcurrentCustomersDoNotMix checks that the messages of 64 concurrent customers do not
// mix.
func TestConcurrentCustomersDoNotMix(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRateLimit(0))
		h := newAPIHost(t, org, nil)
		ann := org.Agent("Ann", "Support")
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				k := handover.Key{Customer: fmt.Sprint("c", i)}
				_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r", Summary: "s"})
				if err != nil {
					t.Error(err)
				}
				for n := range 3 {
					text := fmt.Sprintf("c%d/%d", i, n)
					untilTaken(t, func() (handover.Turn, error) { return h.Forward(t.Context(), k, handover.Text(fmt.Sprint(n), text)) })
				}
			})
		}
		for range crowd {
			chat := ann.Wait(t).Accept()
			wg.Go(func() {
				who := chat.Conversation().CustomerID()
				genesystest.Until(t, func() bool { return len(chat.Texts()) == 4 })
				for _, text := range chat.Texts()[1:] {
					if !strings.HasPrefix(text, who+"/") {
						t.Errorf("%s is shown %q", who, text)
					}
				}
				wait(2 * time.Second)
				chat.Say(who)
				chat.End()
			})
		}
		wg.Wait()
		genesystest.Until(t, func() bool { return len(h.returned()) == crowd && len(h.got()) == crowd })
		for _, d := range h.deliveries {
			require.Equal(t, d.Session.Key.Customer, d.Message.Text)
		}
		require.Empty(t, h.unanswered())
	})
}

// TestCallbacksMayCallEveryMethod checks that callbacks can call every method for their key,
// without deadlock.
func TestCallbacksMayCallEveryMethod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		var h *apiHost
		calls := 0
		everything := func(ctx context.Context, k handover.Key, id string) error {
			calls++
			if _, err := h.Turn(ctx, k); err != nil {
				return err
			}
			if _, err := h.Session(ctx, k); err != nil {
				return err
			}
			if _, err := h.Forward(ctx, k, handover.Text(id, "from a callback")); err != nil {
				return err
			}
			if _, err := h.HandOver(ctx, k, handover.Request{ID: "r1", Summary: "s"}); err != nil {
				return err
			}
			if err := h.Typing(ctx, k); err != nil {
				return err
			}
			for _, err := range h.Sessions(ctx, "") {
				if err != nil {
					return err
				}
			}
			return h.Recheck(ctx, "")
		}
		h = newAPIHost(t, org, func(c *handover.Config) {
			c.Notify = func(ctx context.Context, n handover.Notice) error {
				return everything(ctx, n.Session.Key, string(n.Kind))
			}
		})
		h.onDeliver = func(ctx context.Context, d handover.Delivery) error { return everything(ctx, d.Session.Key, d.ID) }
		h.onReturn = func(ctx context.Context, r handover.Return) error { return everything(ctx, r.Session.Key, "once") }
		ann := org.Agent("Ann", "Support")
		h.handOver(t, "r1")
		chat := ann.Wait(t).Accept()
		chat.Say("hello")
		genesystest.Until(t, func() bool { return len(h.got()) == 1 })
		pass(3 * time.Second)
		chat.End()
		genesystest.Until(t, func() bool { return len(h.returned()) > 0 })
		pass(time.Minute)
		require.Equal(t, handover.StateEnded, h.session(t).State)
		require.Equal(t, []string{"hello"}, h.got())
		require.Len(t, h.returned(), 2, "what the first Return wrote")
		require.Greater(t, calls, 5)
	})
}

// TestConcurrentEndLosesNoMessage checks that with concurrent Forward, End and HandOver, each
// message goes to an agent or to the bot, directly or in a Return, and only to one of them.
func TestConcurrentEndLosesNoMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRateLimit(0))
		h := newAPIHost(t, org, nil)
		ann := org.Agent("Ann", "Support")
		h.handOver(t, "r1")
		ann.Wait(t).Accept()
		h.until(t, handover.StateConnected)
		var wg sync.WaitGroup
		var mu sync.Mutex
		taken := map[string]bool{}
		for i := range crowd {
			wg.Go(func() {
				text := fmt.Sprint("m", i)
				wait(time.Duration(i) * 20 * time.Millisecond)
				turn, err := h.Forward(t.Context(), h.key, handover.Text(text, text))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				taken[text] = turn == handover.TurnAgent
			})
		}
		wg.Go(func() {
			wait(300 * time.Millisecond)
			if err := h.End(t.Context(), h.key, handover.EndByCustomer); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		pass(2 * time.Minute)
		back := h.unanswered()
		for text, agent := range taken {
			fate := h.written(text)
			for _, b := range back {
				if b == text {
					fate++
				}
			}
			if agent {
				require.Equal(t, 1, fate, text)
			} else {
				require.Zero(t, fate, text)
			}
		}
	})
}

// TestConcurrentDuplicatesAreDeliveredOnce checks that concurrent duplicates of a webhook are
// delivered once.
func TestConcurrentDuplicatesAreDeliveredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newAPIHost(t, org, nil)
		n := webhook.Notification{Channel: "genesys", Outbound: openmessaging.Outbound{
			ID: "x", CustomerID: "c1", Time: time.Now(), Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: "once"},
		}}
		var wg sync.WaitGroup
		for range crowd {
			wg.Go(func() {
				if err := h.Receive(t.Context(), n); err != nil {
					t.Error(err)
				}
				if _, err := h.HandOver(t.Context(), h.key, handover.Request{ID: "r1", Summary: "once"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		pass(time.Minute)
		require.Equal(t, []string{"once"}, h.got())
		require.Equal(t, 1, h.written("once"))
	})
}
