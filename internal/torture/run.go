package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

const (
	// A lease lasts 15 s and is taken over 2 s later. By then the work of a dead replica is
	// repeated.
	afterLastKill = 22 * time.Second
	// The time limit for everything to arrive after the last message.
	settleTime = 4 * time.Minute
	checkEvery = 250 * time.Millisecond
	dropTime   = time.Minute // limit for shutting down and removing what was stored
)

// run is the whole test. The error lists the broken promises.
func run(ctx context.Context, o options, result, screen io.Writer) (err error) {
	began := time.Now()
	s, err := setUp(ctx, o, screen)
	var r report
	if err == nil {
		r, err = s.run(ctx, began, screen)
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

// run runs agents, customers and the killer until everything is written and has arrived.
func (s *stage) run(ctx context.Context, began time.Time, screen io.Writer) (report, error) {
	acting, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { (&team{stage: s, sent: map[string]int{}}).work(acting) })
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

// restartDatabase runs the command of -restart in the middle of the run, and returns how often it
// succeeded.
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

// settle waits until everything has arrived, all sessions have ended and the leases of dead
// replicas have run out. After settleTime it returns, and the report shows what is missing.
func (s *stage) settle(ctx context.Context) {
	quiet := s.book.lastDeath().Add(afterLastKill)
	for end := time.Now().Add(settleTime); time.Now().Before(end) && pause(ctx, checkEvery); {
		if s.arrived() && s.ended(ctx) && time.Now().After(quiet) {
			return
		}
	}
}

// arrived reports whether every line has arrived, was handed back or was given up, and every
// session was returned.
func (s *stage) arrived() bool {
	lines, sessions := s.book.open()
	for _, text := range lines {
		if !s.givenUp(text) {
			return false
		}
	}
	return len(sessions) == 0
}

// givenUp reports whether Genesys shows a line as failed to its agent.
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

// ended asks the replicas and reports whether no customer has an open session.
func (s *stage) ended(ctx context.Context) bool {
	for _, id := range s.customers() {
		a, err := s.fleet.send(ctx, http.MethodGet, "/customers/"+id, nil, nil)
		var now status
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

// How often progress is shown. In a terminal the same line is rewritten.
const (
	everyTerminal = time.Second
	everyLine     = 5 * time.Second
)

// showProgress prints the progress until ctx ends.
func (s *stage) showProgress(ctx context.Context, screen io.Writer, began time.Time) {
	every, before, after := everyLine, "", "\n"
	if terminal(screen) {
		every, before, after = everyTerminal, "\r\033[K", ""
	}
	for pause(ctx, every) {
		p := s.book.progress()
		_, _ = fmt.Fprintf(screen, "%s%4.0f s  customers: %d accepted, %d settled   agents: %d said, %d delivered   "+
			"handovers: %d, %d returned   killed: %d, alive: %d%s", before, time.Since(began).Seconds(),
			p.accepted, p.arrived, p.said, p.delivered, p.sessions, p.returned, p.kills, s.fleet.alive(), after)
	}
	_, _ = fmt.Fprintln(screen)
}

// terminal reports whether w is a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
