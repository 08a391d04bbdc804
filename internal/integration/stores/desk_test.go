package stores_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

var errDead = errors.New("this process is dead")

// A desk is a host program with a Manager. After kill it reaches neither its store nor Genesys nor
// the customer.
type desk struct {
	*handover.Manager

	dead  atomic.Bool
	dying atomic.Bool        // the next write is its last
	hung  atomic.Bool        // Deliver does not return while the process lives
	gone  chan struct{}      // closed by kill
	end   context.CancelFunc // of Run

	mu  sync.Mutex
	got []string // texts of agents, in order
}

func newDesk(t *testing.T, org *genesystest.Org, s handover.Store) *desk {
	t.Helper()
	d := &desk{gone: make(chan struct{})}
	httpClient := *org.HTTPClient()
	httpClient.Transport = mortal{&d.dead, httpClient.Transport}
	m, err := handover.New(handover.Config{
		Channel: org.Channel(), Deliver: d.deliver, Return: func(context.Context, handover.Return) error { return nil },
		Store: mortalStore{s, d}, ClientOptions: []genesys.Option{genesys.WithHTTPClient(&httpClient)},
	})
	require.NoError(t, err)
	d.Manager = m
	ctx, cancel := context.WithCancel(t.Context())
	d.end = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = m.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done // before the database is closed
	})
	return d
}

// receive makes the organisation post its webhooks to this desk.
func (d *desk) receive(org *genesystest.Org) {
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(d, d.Receive))
	org.DeliverTo(mux, "/genesys")
}

func (d *desk) deliver(_ context.Context, m handover.Delivery) error {
	if d.hung.Load() {
		<-d.gone
	}
	if d.dead.Load() {
		return errDead
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, m.Message.Text)
	return nil
}

func (d *desk) delivered() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

// kill stops everything like SIGKILL: leases stay in the store.
func (d *desk) kill() {
	d.dead.Store(true)
	close(d.gone)
	d.end()
}

type mortal struct {
	dead *atomic.Bool
	next http.RoundTripper
}

func (m mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.next.RoundTrip(r)
}

// A mortalStore fails after kill, so that the Manager stores no outcome.
type mortalStore struct {
	handover.Store

	desk *desk
}

func (s mortalStore) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	if s.desk.dead.Load() {
		return handover.Record{}, errDead
	}
	return s.Store.Get(ctx, k)
}

func (s mortalStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	if s.desk.dead.Load() {
		return errDead
	}
	err := s.Store.Put(ctx, r, prev)
	if err == nil && s.desk.dying.Load() {
		s.desk.dead.Store(true)
	}
	return err
}

func customer() handover.Key { return handover.Customer("c") }

func (d *desk) forward(t *testing.T, id string) {
	t.Helper()
	turn, err := d.Forward(t.Context(), customer(), handover.Text(id, id))
	require.NoError(t, err)
	require.Equal(t, handover.TurnAgent, turn)
}

// connected hands the customer over and waits for the agent.
func (d *desk) connected(t *testing.T, org *genesystest.Org) *genesystest.Desk {
	t.Helper()
	ann := org.Agent("Ann", "Support")
	_, err := d.HandOver(t.Context(), customer(), handover.Request{ID: "r", Summary: "summary"})
	require.NoError(t, err)
	chat := ann.Wait(t).Accept()
	genesystest.Until(t, func() bool {
		s, err := d.Session(t.Context(), customer())
		return err == nil && s.State == handover.StateConnected
	})
	return chat
}
