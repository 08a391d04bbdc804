package main

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
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// shutdownTime is for requests under way when a replica stops in peace.
const shutdownTime = 15 * time.Second

// runReplica is a child process: it reads its assignment, says where it listens, and works until its input ends. The input is a
// pipe from the parent, so it also ends when the parent dies, however that happens.
func runReplica(in io.Reader, out, log io.Writer) error {
	signal.Ignore(os.Interrupt) // Ctrl-C reaches the whole group of processes; the parent decides
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
	return a.serve(ctx, out, log)
}

func (a assignment) serve(ctx context.Context, out, log io.Writer) error {
	store, err := a.Store.open()
	if err != nil {
		return err
	}
	defer func() { _ = store.close() }()
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

// newHost wires the Manager as any host program would.
func newHost(a assignment, store handover.Store, log io.Writer) (*host, error) {
	h := &host{name: a.Name, channel: &caller{http: &http.Client{Timeout: callTime}, base: a.Collector, name: a.Name}}
	c := handover.Config{
		Channel: a.Channel.channel(),
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

// handler serves what a host serves: the webhook, the customers, and signals that a conversation changed.
func (h *host) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(h.desk, h.desk.Receive))
	mux.HandleFunc("POST /customers/{customer}/messages", h.hear)
	mux.HandleFunc("GET /customers/{customer}", h.show)
	mux.HandleFunc("POST /changed/{conversation}", h.recheck)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(replicaHeader, h.name)
		mux.ServeHTTP(w, r)
	})
}

// named puts the name of the process into each request, for the report only.
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
