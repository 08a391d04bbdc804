package scenario_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// An observer records its calls.
type observer struct {
	mu   sync.Mutex
	all  []handover.Observation
	from []any // the caller of each, from its context
}

func (o *observer) observe(ctx context.Context, x handover.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, x)
	o.from = append(o.from, ctx.Value(callerKey{}))
}

// failures returns the failed operations with a text in the error.
func (o *observer) failures(text string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ops []string
	for _, x := range o.all {
		if x.Err != nil && strings.Contains(x.Err.Error(), text) {
			ops = append(ops, x.Op)
		}
	}
	return ops
}

// conversation plays a handover from the request to the Return.
func conversation(t *testing.T, h *host, ann *genesystest.Agent) {
	t.Helper()
	h.handOver(t, "c1", "r1")
	chat := ann.Wait(t).Accept()
	h.reaches(t, "c1", handover.StateConnected)
	h.says(t, "c1", "m1", "one", handover.TurnAgent)
	chat.Type()
	chat.Say("Hello!")
	pass(time.Minute)
	chat.End()
	h.reaches(t, "c1", handover.StateEnded)
	pass(time.Minute)
}

// TestOperationsAreObserved checks that each operation is one of the constants, has its
// channel, and gets the context of the call.
func TestOperationsAreObserved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		o := &observer{}
		h := newHost(t, org, func(c *handover.Config) { c.Observer = o.observe })
		conversation(t, h, ann)
		ctx := context.WithValue(t.Context(), callerKey{}, "caller")
		_, err := h.desk.Forward(ctx, handover.Key{Channel: "unknown", Customer: "c1"}, handover.Text("m2", "x"))
		require.ErrorIs(t, err, handover.ErrNoChannel)
		o.mu.Lock()
		defer o.mu.Unlock()
		last := len(o.all) - 1
		require.Equal(t, "caller", o.from[last])
		require.Empty(t, o.all[last].Channel, "what no channel is called is no label of a metric")
		seen := map[string]bool{}
		for _, x := range o.all[:last] {
			require.Equal(t, "genesys", x.Channel, x.Op)
			seen[x.Op] = true
		}
		require.Equal(t, map[string]bool{
			handover.OpHandOver: true, handover.OpForward: true, handover.OpSendOpen: true, handover.OpSendMessage: true,
			handover.OpTransfer: true, handover.OpTaskLook: true, handover.OpReceiveTyping: true, handover.OpReceiveMessage: true,
			handover.OpDelivery: true, handover.OpReceipt: true, handover.OpNotice: true, handover.OpReturn: true,
		}, seen)
	})
}

// TestPanicsOfCallbacksAreObserved checks that a callback that panics fails, and that its name,
// the type of the value and the stack are logged, but not the value.
func TestPanicsOfCallbacksAreObserved(t *testing.T) {
	t.Parallel()
	hidden := "hidden words"
	for name, c := range map[string]struct {
		op    string
		panic func(*handover.Config)
	}{
		"Deliver": {handover.OpDelivery, func(c *handover.Config) { c.Deliver = func(context.Context, handover.Delivery) error { panic(hidden) } }},
		"Return":  {handover.OpReturn, func(c *handover.Config) { c.Return = func(context.Context, handover.Return) error { panic(hidden) } }},
		"Notify":  {handover.OpNotice, func(c *handover.Config) { c.Notify = func(context.Context, handover.Notice) error { panic(hidden) } }},
		"Typing":  {handover.OpReceiveTyping, func(c *handover.Config) { c.Typing = func(context.Context, handover.TypingEvent) { panic(hidden) } }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				o, log := &observer{}, &wiretap{}
				h := newHost(t, org, func(k *handover.Config) {
					k.Observer = o.observe
				}, logging(log), c.panic)
				conversation(t, h, ann)
				require.Contains(t, o.failures("Config."+name+" panicked: string"), c.op)
				for _, want := range []string{"callback=" + name, "type=string", "stack=", "observer_test.go"} {
					require.Positive(t, log.count(want), want)
				}
				require.Zero(t, log.count(hidden))
				require.Empty(t, o.failures(hidden))
			})
		})
	}
}

// TestChannelsPanicReachesTheObserver checks that the call that needed the channel fails.
func TestChannelsPanicReachesTheObserver(t *testing.T) {
	t.Parallel()
	o := &observer{}
	m, err := handover.New(handover.Config{
		Channels: func(context.Context, string) (handover.Channel, error) { panic("hidden words") },
		Deliver:  nothing, Return: noReturn, Observer: o.observe,
	})
	require.NoError(t, err)
	_, err = m.HandOver(t.Context(), handover.Key{Channel: "shop", Customer: "c1"}, handover.Request{ID: "r1", Summary: "s"})
	require.ErrorContains(t, err, "Config.Channels panicked: string")
	require.Equal(t, []string{handover.OpHandOver}, o.failures("Config.Channels panicked: string"))
}

// TestPanicInTheObserverIsLogged checks that a panic in the observer is logged and has no other
// effect.
func TestPanicInTheObserverIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		log := &wiretap{}
		h := newHost(t, org, func(c *handover.Config) {
			c.Observer = func(context.Context, handover.Observation) { panic("metrics") }
		}, logging(log))
		conversation(t, h, ann)
		require.Equal(t, []string{"agent: Hello!", "back: agent []"}, h.lines())
		require.Equal(t, 1, h.tries("agent: Hello!"))
		require.Positive(t, log.count("callback=Observer"))
		require.Zero(t, log.count("metrics"))
	})
}

// TestTypingEventNamesSessionAndDuration checks the session and the duration that the host
// gets.
func TestTypingEventNamesSessionAndDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		typed := make(chan handover.TypingEvent, 2)
		h := newHost(t, org, func(c *handover.Config) {
			c.Typing = func(_ context.Context, e handover.TypingEvent) { typed <- e }
		})
		chat := h.connected(t, "c1", ann)
		chat.Type()
		pass(time.Second)
		require.Len(t, typed, 1)
		event := <-typed
		require.Equal(t, 5*time.Second, event.Duration)
		require.Equal(t, h.session(t, "c1").ID, event.Session.ID)
		require.Equal(t, "c1", event.Session.Key.Customer)
	})
}
