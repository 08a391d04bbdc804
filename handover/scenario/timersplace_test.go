package scenario_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// TestRequestTimersOverrideTheChannels checks that they override the channel's field by field,
// and that negative is off.
func TestRequestTimersOverrideTheChannels(t *testing.T) {
	t.Parallel()
	channel := handover.Timers{NoAgent: 20 * time.Minute, Max: time.Hour}
	for _, c := range []struct {
		name    string
		request handover.Timers
		reason  handover.EndReason
		after   time.Duration
	}{
		{"nothing", handover.Timers{}, handover.EndNoAgent, 20 * time.Minute},
		{"a shorter one", handover.Timers{NoAgent: 5 * time.Minute}, handover.EndNoAgent, 5 * time.Minute},
		{"one off, the other stays", handover.Timers{NoAgent: -1}, handover.EndMaxDuration, time.Hour},
		{"one off, the other longer", handover.Timers{NoAgent: -1, Max: 3 * time.Hour}, handover.EndMaxDuration, 3 * time.Hour},
		{"another field", handover.Timers{Max: 10 * time.Minute}, handover.EndMaxDuration, 10 * time.Minute},
	} {
		for _, from := range []string{"HandOver", "HandOver after Open"} {
			t.Run(c.name+" "+from, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h := newHost(t, genesystest.New(t), timed(channel))
					key := handover.Customer("c1")
					if from != "HandOver" {
						_, err := h.desk.Open(t.Context(), key, handover.Request{ID: "o1", Summary: "s"})
						require.NoError(t, err)
						synctest.Wait()
					}
					s, err := h.desk.HandOver(t.Context(), key, handover.Request{ID: "r1", Summary: "s", Timers: c.request})
					require.NoError(t, err)
					h.endsAt(t, "c1", c.reason, s.Started.Add(c.after))
				})
			})
		}
	}
}

// TestTimersOfOpenStay checks that the timers of an Open apply unless the HandOver sets others.
func TestTimersOfOpenStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, genesystest.New(t), timed(handover.Timers{NoAgent: 20 * time.Minute}))
		key := handover.Customer("c1")
		_, err := h.desk.Open(t.Context(), key, handover.Request{ID: "o1", Summary: "s", Timers: handover.Timers{Max: 7 * time.Minute}})
		require.NoError(t, err)
		s, err := h.desk.HandOver(t.Context(), key, handover.Request{ID: "r1", Summary: "s", Timers: handover.Timers{NoAgent: -1}})
		require.NoError(t, err)
		h.endsAt(t, "c1", handover.EndMaxDuration, s.Started.Add(7*time.Minute))
	})
}

// TestEachChannelHasItsTimers checks that each channel has separate timers, even for a session
// that an agent began.
func TestEachChannelHasItsTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := genesystest.New(t)
		b := genesystest.New(t, genesystest.WithSeed(2), genesystest.WithRegion(region.EUCentral1))
		quick, slow, none := a.Channel(), b.Channel(), a.Channel()
		quick.Timers = handover.Timers{NoAgent: 2 * time.Minute, CustomerIdle: 3 * time.Minute}
		slow.Timers = handover.Timers{NoAgent: 30 * time.Minute, CustomerIdle: 40 * time.Minute}
		h := newHost(t, a, func(c *handover.Config) {
			c.Channel = handover.Channel{}
			tenants := map[string]handover.Channel{"quick": quick, "slow": slow, "none": none}
			c.Channels = func(_ context.Context, id string) (handover.Channel, error) { return tenants[id], nil }
			c.ClientOptions = []genesys.Option{genesys.WithHTTPClient(genesystest.Cloud(a, b))}
		})
		mux := http.NewServeMux()
		mux.Handle("POST /genesys/{channel}", webhook.NewHandler(h.desk, h.desk.Receive))
		a.DeliverTo(mux, "/genesys/quick")
		b.DeliverTo(mux, "/genesys/slow")
		ended := func(channel, customer string) (handover.Ending, bool) {
			s, err := h.desk.Session(t.Context(), handover.Key{Channel: channel, Customer: customer})
			return s.Ending, err == nil && s.State == handover.StateEnded
		}
		began := time.Now()
		for _, id := range []string{"quick", "slow", "none"} {
			_, err := h.desk.HandOver(t.Context(), handover.Key{Channel: id, Customer: "c-" + id}, handover.Request{ID: "r1", Summary: "s"})
			require.NoError(t, err)
		}
		for id, after := range map[string]time.Duration{"quick": 2 * time.Minute, "slow": 30 * time.Minute} {
			genesystest.Until(t, func() bool { _, is := ended(id, "c-"+id); return is })
			e, _ := ended(id, "c-"+id)
			require.Equal(t, handover.EndNoAgent, e.Reason)
			require.WithinDuration(t, began.Add(after), e.Time, 3*time.Second)
		}
		pass(3 * time.Hour)
		_, is := ended("none", "c-none")
		require.False(t, is, "no timer of another tenant")

		// An agent writes without an open session, because the end could not be sent to
		// Genesys.
		for _, x := range []struct {
			id    string
			org   *genesystest.Org
			after time.Duration
		}{{"quick", a, 3 * time.Minute}, {"slow", b, 40 * time.Minute}} {
			key := handover.Key{Channel: x.id, Customer: "adopted"}
			_, err := h.desk.HandOver(t.Context(), key, handover.Request{ID: "r1", Summary: "s"})
			require.NoError(t, err)
			agent := x.org.Agent("Ann", "Support")
			chat := agent.Wait(t).Accept()
			for chat.Conversation().CustomerID() != "adopted" {
				chat = agent.Wait(t).Accept()
			}
			pass(time.Minute)
			x.org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: 403, Times: -1})
			require.NoError(t, h.desk.End(t.Context(), key, handover.EndByBot))
			genesystest.Until(t, func() bool { _, is := ended(x.id, "adopted"); return is })
			pass(time.Minute)
			x.org.ClearFaults()
			chat.Say("I am still here.")
			said := time.Now()
			genesystest.Until(t, func() bool { _, is := ended(x.id, "adopted"); return !is })
			genesystest.Until(t, func() bool { _, is := ended(x.id, "adopted"); return is })
			e, _ := ended(x.id, "adopted")
			require.Equal(t, handover.EndCustomerIdle, e.Reason)
			require.WithinDuration(t, said.Add(x.after), e.Time, 5*time.Second)
		}
	})
}

// TestTimersFireOnceInThreeReplicas checks that timers fire once, whichever replica runs.
func TestTimersFireOnceInThreeReplicas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), handover.NewMemoryStore()
		ann := org.Agent("Ann", "Support")
		all, stops := make([]*host, 3), make([]context.CancelFunc, 3)
		for i, skew := range []time.Duration{0, 2 * time.Second, -2 * time.Second} {
			all[i] = (&machine{skew: skew}).on(t, org, store)
			var ctx context.Context
			ctx, stops[i] = context.WithCancel(t.Context())
			all[i].run(ctx)
		}
		h := all[2]
		h.serve(org)
		_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{
			ID: "r1", Summary: "s", Timers: handover.Timers{CustomerWarn: 5 * time.Minute, CustomerIdle: 8 * time.Minute},
		})
		require.NoError(t, err)
		chat := ann.Wait(t).Accept()
		chat.Say("Hello")
		said := time.Now()
		pass(6 * time.Minute)
		stops[0]()
		h.reaches(t, "c1", handover.StateEnded)
		require.WithinDuration(t, said.Add(8*time.Minute), time.Now(), 10*time.Second, "clocks differ")
		pass(time.Hour)
		count := map[handover.NoticeKind]int{}
		returns := 0
		for _, r := range all {
			returns += len(r.returned())
			for _, k := range []handover.NoticeKind{handover.NoticeIdle, handover.NoticeEnding, handover.NoticeEnded} {
				count[k] += len(r.noticed(k))
			}
		}
		require.Equal(t, map[handover.NoticeKind]int{handover.NoticeIdle: 1, handover.NoticeEnding: 1, handover.NoticeEnded: 1}, count)
		require.Equal(t, 1, returns)
		require.Len(t, requests(org, "conversations.disconnectCommunication"), 1)
	})
}

// TestOverdueTimerFiresAfterARestart checks a timer that was due while no process ran. The
// warning is late, and the end follows after the configured difference.
func TestOverdueTimerFiresAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), handover.NewMemoryStore()
		ann := org.Agent("Ann", "Support")
		kept := func(c *handover.Config) {
			c.Store = store
			c.Channel.Timers = handover.Timers{CustomerWarn: 5 * time.Minute, CustomerIdle: 8 * time.Minute, NoAgent: 10 * time.Minute}
		}
		before := buildHost(t, org, kept)
		ctx, stop := context.WithCancel(t.Context())
		done := before.run(ctx)
		before.serve(org)
		chat := before.connected(t, "c1", ann)
		chat.Say("Hello")
		pass(time.Minute)
		ann.GoOffQueue()
		before.handOver(t, "waits", "r1")
		before.reaches(t, "waits", handover.StateQueued)
		stop()
		<-done
		pass(time.Hour)
		require.Empty(t, before.noticed(handover.NoticeIdle))
		h := buildHost(t, org, kept)
		h.serve(org)
		began := time.Now()
		h.run(t.Context())
		pass(time.Second)
		require.Len(t, h.noticed(handover.NoticeIdle), 1)
		h.endsAt(t, "waits", handover.EndNoAgent, began)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		h.endsAt(t, "c1", handover.EndCustomerIdle, began.Add(3*time.Minute))
		h.until(t, 2)
		require.ElementsMatch(t, []string{"back: noAgent []", "back: customerIdle []"}, h.lines())
		require.False(t, chat.Active())
	})
}
