package storebench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A counting store counts the reads and writes of a Manager.
type counting struct {
	handover.Store

	gets    atomic.Int64
	puts    atomic.Int64  // done
	written chan struct{} // gets a signal after a write
}

// Get implements handover.Store.
func (s *counting) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, k)
}

// Put implements handover.Store.
func (s *counting) Put(ctx context.Context, r handover.Record, prev uint64) error {
	err := s.Store.Put(ctx, r, prev)
	s.puts.Add(1)
	select {
	case s.written <- struct{}{}:
	default:
	}
	return err
}

// reach waits until n writes are done.
func (s *counting) reach(n int64) error {
	for s.puts.Load() < n {
		if err := arrived(s.written); err != nil {
			return err
		}
	}
	return nil
}

// A desk is a Manager. All its customers talk to an agent.
type desk struct {
	manager   *handover.Manager
	store     *counting
	genesys   *stub
	tasks     atomic.Int64
	customers []*customer
	stop      func() // ends Run and waits for it
}

type customer struct {
	key             handover.Key
	sent, delivered chan struct{}
	said, received  int
}

func channelOf() handover.Channel {
	return handover.Channel{
		ID: "shop", Region: region.EUWest1, ClientID: "client", ClientSecret: handover.NewSecret("secret"),
		IntegrationID:  "11111111-2222-4333-8444-555555555555",
		WebhookSecrets: []handover.Secret{handover.NewSecret("a-webhook-secret-of-32-characters")}, AgentQueue: agentQueue,
	}
}

// newDesk returns a desk that does not run yet.
func newDesk(tb testing.TB, s handover.Store, customers int, configure ...func(*handover.Config)) *desk {
	tb.Helper()
	d := &desk{store: &counting{Store: s, written: make(chan struct{}, 1)}, genesys: &stub{sent: map[string]chan struct{}{}}}
	byKey := map[handover.Key]*customer{}
	for i := range customers {
		id := "customer-" + strconv.Itoa(i)
		c := &customer{
			key:  handover.Key{Channel: "shop", Customer: id},
			sent: make(chan struct{}, 1024), delivered: make(chan struct{}, 1024),
		}
		d.customers, byKey[c.key], d.genesys.sent[id] = append(d.customers, c), c, c.sent
	}
	c := d.config(byKey)
	for _, f := range configure {
		f(&c)
	}
	m, err := handover.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	d.manager = m
	return d
}

func (d *desk) config(byKey map[handover.Key]*customer) handover.Config {
	return handover.Config{
		Channel: channelOf(), Store: d.store, Workers: 2 * max(len(d.customers), handover.DefaultWorkers/2),
		Deliver: func(_ context.Context, x handover.Delivery) error {
			byKey[x.Session.Key].delivered <- struct{}{}
			return nil
		},
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: d.genesys})},
		Observer: func(_ context.Context, o handover.Observation) {
			if strings.HasPrefix(o.Op, "task.") {
				d.tasks.Add(1)
			}
		},
	}
}

// openDesk returns a running desk with connected customers.
func openDesk(tb testing.TB, s handover.Store, customers int) *desk {
	tb.Helper()
	d := newDesk(tb, s, customers)
	d.start(tb)
	for _, c := range d.customers {
		if err := d.connect(tb.Context(), c); err != nil {
			tb.Fatal(err)
		}
	}
	d.settle(tb)
	return d
}

// start runs the Manager until stop or the end of the benchmark.
func (d *desk) start(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.manager.Run(ctx)
	}()
	d.stop = func() { cancel(); <-done }
	tb.Cleanup(d.stop)
}

// settle waits until every outcome is stored, by waiting for the end of Run.
func (d *desk) settle(tb testing.TB) {
	tb.Helper()
	d.stop()
	d.start(tb)
}

// connect hands a customer over and delivers a first message of an agent, which makes the session
// connected.
func (d *desk) connect(ctx context.Context, c *customer) error {
	if _, err := d.manager.HandOver(ctx, c.key, handover.Request{ID: "r1", Summary: "wants to know where the order is"}); err != nil {
		return err
	}
	if err := arrived(c.sent); err != nil {
		return err
	}
	return d.toCustomer(ctx, c)
}

// toAgent relays one message of the customer and waits until Genesys has it.
func (d *desk) toAgent(ctx context.Context, c *customer) error {
	if err := d.forward(ctx, c, "where is my order, please?"); err != nil {
		return err
	}
	return arrived(c.sent)
}

func (d *desk) forward(ctx context.Context, c *customer, text string) error {
	c.said++
	_, err := d.manager.Forward(ctx, c.key, handover.Text("m"+strconv.Itoa(c.said), text))
	return err
}

// toCustomer relays one message of the agent and waits until the host has it.
func (d *desk) toCustomer(ctx context.Context, c *customer) error {
	if err := d.receive(ctx, c, "let me have a look"); err != nil {
		return err
	}
	return arrived(c.delivered)
}

func (d *desk) receive(ctx context.Context, c *customer, text string) error {
	c.received++
	return d.manager.Receive(ctx, webhook.Notification{Channel: "shop", Outbound: openmessaging.Outbound{
		ID: "a" + strconv.Itoa(c.received), CustomerID: c.key.Customer, ConversationID: conversationOf(c.key.Customer),
		Time: time.Now(), Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: text},
	}})
}

// A stub is a minimal Genesys: every conversation has an agent, and every message is accepted. The
// fake organisation of genesystest keeps everything that it received, so a benchmark would measure
// it instead of the store.
type stub struct {
	sent map[string]chan struct{} // by customer; not changed once requests run
}

const agentQueue = "00000000-0000-4000-8000-00000000000a"

// conversationOf returns the conversation id of a customer.
func conversationOf(customer string) string { return "conversation-" + customer }

// RoundTrip answers without delay.
func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	var in []byte
	if r.Body != nil {
		in, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	out := s.answer(r, in)
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {"application/json"}, "Inin-Ratelimit-Allowed": {"1000000000"}, "Inin-Ratelimit-Count": {"1"},
			"Inin-Ratelimit-Reset": {"60"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}, // as every server sends it
		},
		Body: io.NopCloser(bytes.NewReader(out)), ContentLength: int64(len(out)), Request: r,
	}, nil
}

func (s *stub) answer(r *http.Request, body []byte) []byte {
	_, conversation, read := strings.Cut(r.URL.Path, "/conversations/messages/conversation-")
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/oauth/token"):
		return []byte(`{"access_token":"t","token_type":"bearer","expires_in":86399}`)
	case strings.HasSuffix(path, "/inbound/open/message"):
		return s.take(body)
	case read && r.Method == http.MethodGet:
		return []byte(strings.ReplaceAll(talking, "ID", conversationOf(conversation)))
	default:
		return []byte(`{}`)
	}
}

// take accepts a message and returns its conversation.
func (s *stub) take(body []byte) []byte {
	var in struct {
		Channel struct {
			From struct {
				ID string `json:"id"`
			} `json:"from"`
		} `json:"channel"`
	}
	_ = json.Unmarshal(body, &in)
	customer := in.Channel.From.ID
	if c := s.sent[customer]; c != nil {
		c <- struct{}{}
	}
	return []byte(`{"id":"m0000000-0000-4000-8000-000000000001","conversationId":"` + conversationOf(customer) + `"}`)
}

const talking = `{"id":"ID","participants":[
	{"id":"p1","purpose":"customer","state":"connected","startTime":"2000-01-01T00:00:00Z","communications":[]},
	{"id":"p2","purpose":"agent","state":"connected","user":{"id":"u1"},"name":"Ann","startTime":"2000-01-01T00:00:00Z",
	 "queue":{"id":"` + agentQueue + `"}}]}`
