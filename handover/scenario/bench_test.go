package scenario_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A stubGenesys answers with little work. The conversation has an agent, and every message is
// accepted.
type stubGenesys struct{ sent chan struct{} }

const stubConversation = "c0000000-0000-4000-8000-000000000001"

func (s *stubGenesys) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	body := `{}`
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/oauth/token"):
		body = `{"access_token":"t","token_type":"bearer","expires_in":86399}`
	case strings.HasSuffix(path, "/inbound/open/message"):
		s.sent <- struct{}{}
		body = `{"id":"m0000000-0000-4000-8000-000000000001","conversationId":"` + stubConversation + `"}`
	case r.Method == http.MethodGet && strings.HasSuffix(path, stubConversation):
		body = stubRead
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {"application/json"}, "Inin-Ratelimit-Allowed": {"1000000000"}, "Inin-Ratelimit-Count": {"1"},
			"Inin-Ratelimit-Reset": {"60"},
		},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

const stubRead = `{"id":"` + stubConversation + `","participants":[
	{"id":"p1","purpose":"customer","state":"connected","startTime":"2000-01-01T00:00:00Z","communications":[]},
	{"id":"p2","purpose":"agent","state":"connected","user":{"id":"u1"},"name":"Ann","startTime":"2000-01-01T00:00:00Z",
	 "queue":{"id":"00000000-0000-4000-8000-00000000000a"}}]}`

// A countingStore counts the calls of Put.
type countingStore struct {
	handover.Store

	puts atomic.Int64
}

func (s *countingStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	s.puts.Add(1)
	return s.Store.Put(ctx, r, prev)
}

// A relay is a Manager with a connected session on a stubGenesys.
type relay struct {
	*handover.Manager

	genesys   *stubGenesys
	store     *countingStore
	key       handover.Key
	delivered chan string
}

func newRelay(tb testing.TB) *relay {
	tb.Helper()
	r := &relay{
		genesys: &stubGenesys{sent: make(chan struct{}, 1024)}, store: &countingStore{Store: handover.NewMemoryStore()},
		key: handover.Key{Channel: "shop", Customer: "c1"}, delivered: make(chan string, 1024),
	}
	c := goodChannel()
	c.BotQueue, c.AgentQueue = "", "00000000-0000-4000-8000-00000000000a"
	m, err := handover.New(handover.Config{
		Channel: c, Store: r.store,
		Deliver:       func(_ context.Context, d handover.Delivery) error { r.delivered <- d.ID; return nil },
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: r.genesys})},
	})
	require.NoError(tb, err)
	r.Manager = m
	go func() { _ = m.Run(tb.Context()) }()
	_, err = m.HandOver(tb.Context(), r.key, handover.Request{ID: "r1", Summary: "s"})
	require.NoError(tb, err)
	<-r.genesys.sent
	for s := (handover.Session{}); s.State != handover.StateConnected; {
		s, err = m.Session(tb.Context(), r.key)
		require.NoError(tb, err)
		wait(10 * time.Millisecond)
	}
	return r
}

// toAgent sends one message of the customer and waits until Genesys has it.
func (r *relay) toAgent(tb testing.TB, i int) {
	tb.Helper()
	turn, err := r.Forward(tb.Context(), r.key, handover.Text(strconv.Itoa(i), "where is my order, please?"))
	if err != nil || turn != handover.TurnAgent {
		tb.Fatal(turn, err)
	}
	<-r.genesys.sent
}

// toCustomer sends one message of the agent and waits until the host has it.
func (r *relay) toCustomer(tb testing.TB, i int) {
	tb.Helper()
	err := r.Receive(tb.Context(), webhook.Notification{Channel: "shop", Outbound: openmessaging.Outbound{
		ID: "a" + strconv.Itoa(i), CustomerID: "c1", ConversationID: stubConversation, Time: time.Now(),
		Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: "let me have a look"},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	<-r.delivered
}

// TestMessageTakesTwoWrites checks that a relayed message takes two writes: one to accept it
// together with its lease, one to store its outcome.
func TestMessageTakesTwoWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		pass(70 * time.Second) // the polls are far apart now
		for name, relay := range map[string]func(testing.TB, int){"to the agent": r.toAgent, "to the customer": r.toCustomer} {
			const n = 20
			relay(t, 1000) // proves that an agent is there, and removes earlier messages
			synctest.Wait()
			before := r.store.puts.Load()
			for i := range n {
				relay(t, i)
				synctest.Wait()
			}
			require.EqualValues(t, 2*n, r.store.puts.Load()-before, name)
		}
	})
}

func BenchmarkRelay(b *testing.B) {
	for name, relay := range map[string]func(*relay, testing.TB, int){
		"ToAgent": (*relay).toAgent, "ToCustomer": (*relay).toCustomer,
	} {
		b.Run(name, func(b *testing.B) {
			r := newRelay(b)
			began, puts := time.Now(), r.store.puts.Load()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				relay(r, b, i)
			}
			each := float64(time.Since(began)) / float64(b.N)
			b.ReportMetric(each/float64(relayFloor(b, r)), "×floor")
			b.ReportMetric(float64(r.store.puts.Load()-puts)/float64(b.N), "writes/op")
		})
	}
}

// relayFloor measures the least work of any engine: read, decode, encode and put the record,
// twice.
func relayFloor(b *testing.B, r *relay) time.Duration {
	b.Helper()
	const n = 200
	record, err := r.store.Get(b.Context(), r.key)
	require.NoError(b, err)
	store := handover.NewMemoryStore()
	record.Revision = 1
	require.NoError(b, store.Put(b.Context(), record, 0))
	began := time.Now()
	for i := range 2 * n {
		got, err := store.Get(b.Context(), r.key)
		require.NoError(b, err)
		var fields map[string]json.RawMessage
		require.NoError(b, json.Unmarshal(got.Data, &fields))
		got.Data, err = json.Marshal(fields)
		require.NoError(b, err)
		got.Revision = uint64(i) + 2
		require.NoError(b, store.Put(b.Context(), got, uint64(i)+1))
	}
	return time.Since(began) / n
}
