package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

const (
	// A lease lives 15 s and is taken over 2 s later: what a dead replica began is repeated by then.
	afterLastKill = 22 * time.Second
	// Everything must be where it belongs so long after the last message.
	settleTime = 4 * time.Minute
	look       = 250 * time.Millisecond
	dropTime   = time.Minute
)

// run plays the whole test. The error says which promise was broken.
func run(ctx context.Context, o options, result, screen io.Writer) (err error) {
	began := time.Now()
	s, err := setUp(ctx, o, screen)
	var r report
	if err == nil {
		r, err = s.play(ctx, began, screen)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	broken := err == nil && r.verdict() != nil
	stopped := s.tearDown(ending, broken)
	if err != nil {
		return errors.Join(err, stopped)
	}
	if broken {
		_, _ = fmt.Fprintf(screen, "the store is kept: %s %s\n", s.dir, s.store.Prefix)
	}
	return errors.Join(r.write(screen, result), r.verdict(), stopped)
}

// play lets everybody act until all is written and settled.
func (s *stage) play(ctx context.Context, began time.Time, screen io.Writer) (report, error) {
	acting, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { (&team{stage: s, said: map[string]int{}}).work(acting) })
	wg.Go(func() { s.showProgress(acting, screen, began) })

	var trouble sync.WaitGroup
	trouble.Go(func() {
		r := s.rand("killer")
		s.fleet.killAll(acting, r, strikes(r, s.opt.kills, s.opt.replicas, s.opt.writing))
	})
	restarts := 0
	trouble.Go(func() { restarts = s.restartDatabase(acting, screen) })
	s.writeAll(acting)
	trouble.Wait()
	s.settle(acting)
	stop()
	wg.Wait()
	if ctx.Err() != nil {
		return report{}, errors.New("interrupted")
	}
	return s.report(restarts, began, screen), nil
}

func (s *stage) report(restarts int, began time.Time, screen io.Writer) report {
	for _, refusal := range s.org.Refusals() {
		s.book.problem("the fake Genesys Cloud refused a request: %s", refusal)
	}
	f, problems := s.book.facts()
	f.toGenesys.explain(screen, began, f.died)
	f.toHost.explain(screen, began, f.died)
	r := newReport(s.opt, f, time.Since(began))
	r.Restarts, r.Problems = restarts, problems
	return r
}

// restartDatabase runs -restart in the middle.
func (s *stage) restartDatabase(ctx context.Context, screen io.Writer) int {
	if s.opt.restart == "" || !pause(ctx, s.opt.writing/2) {
		return 0
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", s.opt.restart) //nolint:gosec // the user's own command
	cmd.Stdout, cmd.Stderr = screen, screen
	if err := cmd.Run(); err != nil {
		s.book.problem("-restart: %v", err)
		return 0
	}
	return 1
}

// settle waits until everything is where it belongs and no dead replica's lease is left. What is missing when its time is over
// shows in the report.
func (s *stage) settle(ctx context.Context) {
	quiet := s.book.lastDeath().Add(afterLastKill)
	for end := time.Now().Add(settleTime); time.Now().Before(end) && pause(ctx, look); {
		if s.arrived() && s.ended(ctx) && time.Now().After(quiet) {
			return
		}
	}
}

// arrived: every line is at the other side, or nobody will ever bring it; every session is back.
func (s *stage) arrived() bool {
	lines, sessions := s.book.open()
	for _, text := range lines {
		if !s.givenUp(text) {
			return false
		}
	}
	return len(sessions) == 0
}

// givenUp reports whether an agent was told that a line failed.
func (s *stage) givenUp(text string) bool {
	for _, c := range s.org.Conversations() {
		for _, e := range c.Transcript() {
			if e.Text == text {
				return c.Status(e.ID) == "Failed"
			}
		}
	}
	return false
}

// ended asks the replicas: no customer has a session that is open.
func (s *stage) ended(ctx context.Context) bool {
	for _, id := range s.customers() {
		a, err := s.fleet.send(ctx, http.MethodGet, "/customers/"+id, nil, nil)
		var now standing
		if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &now) != nil {
			return false
		}
		s.book.session(now.Session)
		if now.State != handover.StateEnded || now.Turn != handover.TurnBot {
			return false
		}
	}
	return true
}
