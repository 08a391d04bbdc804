package torture

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// A stage is everything around the replicas, and the replicas.
type stage struct {
	opt   options
	org   *genesystest.Org
	book  *book
	fleet *fleet
	store storeSpec
	dir   string // temporary; empty if there is none

	api, channel, balancer server
}

// setUp starts the servers and the replicas. Call tearDown also after an error.
func setUp(ctx context.Context, o options, log io.Writer) (s *stage, err error) {
	s = &stage{opt: o, book: newBook()}
	s.fleet = &fleet{book: s.book, http: &http.Client{Timeout: callTime, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	if err := s.findStore(); err != nil {
		return s, err
	}
	if s.org, err = newOrg(o.seed); err != nil {
		return s, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /genesys", s.webhook)
	for _, l := range []struct {
		at *server
		h  http.Handler
	}{{&s.api, s.genesysAPI()}, {&s.channel, s.customersChannel()}, {&s.balancer, mux}} {
		if *l.at, err = listen(ctx, l.h); err != nil {
			return s, err
		}
	}
	s.fleet.start = func(ctx context.Context, name string) (*process, error) {
		return startProcess(ctx, assignment{
			Name: name, Store: s.store, API: s.api.url, Channel: s.channel.url, Access: accessOf(s.org.Channel()), Verbose: o.verbose,
		}, log)
	}
	if err := s.prepareStore(ctx); err != nil {
		return s, err
	}
	s.org.DeliverToURL(s.balancer.url + "/genesys")
	s.org.Signal(s.signal)
	return s, s.fleet.launch(ctx, o.replicas)
}

// findStore selects the store and a new prefix for this run, and makes a temporary folder where no
// -dsn is given.
func (s *stage) findStore() (err error) {
	s.store = storeSpec{Kind: s.opt.store, DSN: s.opt.dsn, Prefix: fmt.Sprintf("replicas_%x_", time.Now().UnixNano())}
	if kind, _ := s.opt.stores.find(s.opt.store); kind.Temporary != nil && s.store.DSN == "" {
		if s.dir, err = os.MkdirTemp("", "replicas-"); err != nil {
			return err
		}
		s.store.DSN = kind.Temporary(s.dir)
	}
	return nil
}

func (s *stage) prepareStore(ctx context.Context) error {
	store, err := s.opt.stores.open(s.store)
	if err != nil {
		return err
	}
	return errors.Join(store.Prepare(ctx), store.Close())
}

// tearDown ends all processes and servers. It removes what was stored, unless keep.
func (s *stage) tearDown(ctx context.Context, keep bool) error {
	err := s.fleet.stop()
	if s.org != nil {
		err = errors.Join(err, s.org.Close())
	}
	for _, l := range []server{s.balancer, s.channel, s.api} {
		if l.http != nil {
			err = errors.Join(err, l.http.Close())
		}
	}
	if keep {
		return err
	}
	return errors.Join(err, s.dropStore(ctx))
}

func (s *stage) dropStore(ctx context.Context) error {
	if s.dir != "" {
		return os.RemoveAll(s.dir)
	}
	store, err := s.opt.stores.open(s.store)
	if err != nil {
		return err
	}
	return errors.Join(store.Drop(ctx), store.Close())
}

// rand returns a source of random numbers for one purpose. It is the same in all runs with one
// seed.
func (s *stage) rand(purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))                     // never fails
	return rand.New(rand.NewPCG(s.opt.seed, h.Sum64())) //nolint:gosec // a simulation, no secret
}

// A server listens on a loopback port.
type server struct {
	http *http.Server
	url  string
}

func listen(ctx context.Context, h http.Handler) (server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return server{}, err
	}
	s := server{http: &http.Server{Handler: h, ReadHeaderTimeout: callTime}, url: "http://" + l.Addr().String()}
	go func() { _ = s.http.Serve(l) }() // ends with Close
	return s, nil
}
