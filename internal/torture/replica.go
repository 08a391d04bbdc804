package torture

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// shutdownTime is the time limit for running requests when a replica shuts down.
const shutdownTime = 15 * time.Second

// runReplica is the main function of a child process: it reads its assignment, writes its URL to
// out, and serves until its input ends. The input is a pipe from the parent, so it also ends when
// the parent is killed.
func runReplica(stores kinds, in io.Reader, out, log io.Writer) error {
	// Ctrl-C is sent to all processes of the group; the parent ends the replicas.
	signal.Ignore(os.Interrupt)
	r := bufio.NewReader(in)
	line, err := r.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no assignment on standard input: %w", err)
	}
	var a assignment
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("assignment: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, r)
		cancel()
	}()
	return a.serve(ctx, stores, out, log)
}

func (a assignment) serve(ctx context.Context, stores kinds, out, log io.Writer) error {
	store, err := stores.open(a.Store)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	h, err := newHost(a, store, log)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h.handler(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.desk.Run(running) })
	_, _ = fmt.Fprintln(out, "http://"+l.Addr().String())
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err = errors.Join(err, srv.Shutdown(ending))
	stop()
	wg.Wait()
	return err
}

// newHost makes the Manager as any host program would.
func newHost(a assignment, store handover.Store, log io.Writer) (*host, error) {
	h := &host{name: a.Name, channel: &caller{http: &http.Client{Timeout: callTime}, base: a.Channel, name: a.Name}}
	c := handover.Config{
		Channel: a.Access.channel(),
		Deliver: h.deliver,
		Return:  h.handBack,
		Notify:  h.notify,
		Store:   store,
		ClientOptions: []genesys.Option{
			genesys.WithEndpoints(a.API, a.API),
			genesys.WithHTTPClient(&http.Client{Timeout: callTime, Transport: named{a.Name, &http.Transport{MaxIdleConnsPerHost: 64}}}),
		},
	}
	if a.Verbose {
		c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})).With(slog.String("replica", a.Name))
	}
	desk, err := handover.New(c)
	h.desk = desk
	return h, err
}

// handler serves what a host serves: webhooks, customers, and signals that a conversation changed.
func (h *host) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(h.desk, h.desk.Receive))
	mux.HandleFunc("POST /customers/{customer}/messages", h.receive)
	mux.HandleFunc("GET /customers/{customer}", h.status)
	mux.HandleFunc("POST /changed/{conversation}", h.recheck)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(replicaHeader, h.name)
		mux.ServeHTTP(w, r)
	})
}

// named adds the name of the process to each request, for the report only.
type named struct {
	name string
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(replicaHeader, n.name)
	return n.next.RoundTrip(r)
}

// A host is the program that embeds the SDK in a replica. Its bot answers nothing and asks for an
// agent at once.
type host struct {
	name    string
	desk    *handover.Manager
	channel *caller // the customers' channel
}

// handOvers is how often a message may ask for an agent when each session ends before the message
// is stored.
const handOvers = 3

// receive serves a customer's message. The answer is 200 if it is stored. After any other answer
// the customer has to send it again.
func (h *host) receive(w http.ResponseWriter, r *http.Request) {
	var s submission
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&s); err != nil {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	turn, err := h.forward(r.Context(), handover.Customer(r.PathValue("customer")), s)
	if err == nil && turn != handover.TurnAgent {
		err = errors.New("the session ended again and again")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// forward sends the message to the agents. If it is the bot's turn, nothing was stored: then it
// asks for an agent and forwards the message again, with the same id. A retry after a crash between
// the two calls finds the session open and stores the message once.
func (h *host) forward(ctx context.Context, k handover.Key, s submission) (handover.Turn, error) {
	for n := range handOvers {
		turn, err := h.desk.Forward(ctx, k, handover.Text(s.ID, s.Text))
		if err != nil || turn == handover.TurnAgent {
			return turn, err
		}
		id := fmt.Sprintf("%s/%d.%d", s.ID, s.Try, n)
		_, err = h.desk.HandOver(ctx, k, handover.Request{ID: id, Summary: opening + " " + k.Customer + " " + id})
		if err != nil {
			return turn, err
		}
	}
	return h.desk.Forward(ctx, k, handover.Text(s.ID, s.Text))
}

// status serves the session and the turn of a customer.
func (h *host) status(w http.ResponseWriter, r *http.Request) {
	k := handover.Customer(r.PathValue("customer"))
	session, err := h.desk.Session(r.Context(), k)
	if err != nil && !errors.Is(err, handover.ErrNotFound) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	turn, err := h.desk.Turn(r.Context(), k)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	body, err := json.Marshal(status{Session: session.ID, State: session.State, Turn: turn})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

// recheck serves a signal.
func (h *host) recheck(w http.ResponseWriter, r *http.Request) {
	if err := h.desk.Recheck(r.Context(), r.PathValue("conversation")); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (h *host) deliver(ctx context.Context, d handover.Delivery) error {
	return h.channel.post(ctx, "/deliver", delivered{ID: d.ID, Text: d.Message.Text, OutOfOrder: d.OutOfOrder})
}

func (h *host) handBack(ctx context.Context, r handover.Return) error {
	back := handedBack{ID: r.ID, Session: r.Session.ID}
	for _, u := range r.Unanswered {
		back.Texts = append(back.Texts, u.Text)
	}
	return h.channel.post(ctx, "/return", back)
}

func (h *host) notify(ctx context.Context, n handover.Notice) error {
	return h.channel.post(ctx, "/notify", noticed{Session: n.Session.ID})
}

// callTime is the time limit of a call between processes, and the SDK's limit for a callback.
const callTime = 10 * time.Second

// A caller posts JSON to another process.
type caller struct {
	http *http.Client
	base string
	name string
}

func (c *caller) post(ctx context.Context, path string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(replicaHeader, c.name)
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the customers' channel answered %d", res.StatusCode)
	}
	return nil
}
