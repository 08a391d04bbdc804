package torture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// A report is the line of JSON at the end. Times are in milliseconds, from the first attempt to
// write a message until its first arrival at the other side. They include the wait for leases of
// dead replicas.
type report struct {
	Store     string `json:"store"`
	Replicas  int    `json:"replicas"`
	Customers int    `json:"customers"`
	Messages  int    `json:"messages"`
	Seed      uint64 `json:"seed"`
	Kills     int    `json:"kills"`
	Restarts  int    `json:"restarts"` // of the database, by -restart

	Seconds          float64 `json:"seconds"`
	Sent             int     `json:"sent"`
	Delivered        int     `json:"delivered"` // arrived or were handed back to the bot
	Lost             int     `json:"lost"`
	Reordered        int     `json:"reordered"`
	DuplicatesSameID int     `json:"duplicates_same_id"`
	DuplicatesNewID  int     `json:"duplicates_new_id"`
	Takeovers        int     `json:"takeovers"`
	P50              int64   `json:"p50_ms"`
	P99              int64   `json:"p99_ms"`

	ToGenesys way `json:"to_genesys"`
	ToHost    way `json:"to_host"`

	Sessions   int      `json:"sessions"`
	Unreturned int      `json:"unreturned"` // sessions without a Return
	Problems   []string `json:"problems,omitempty"`
}

// A way is the part of a report about one direction.
type way struct {
	Sent        int   `json:"sent"`
	Arrived     int   `json:"arrived"`
	HandedBack  int   `json:"handed_back"`
	Lost        int   `json:"lost"`
	NotAccepted int   `json:"not_accepted"`
	Reordered   int   `json:"reordered"`
	Stray       int   `json:"flagged_out_of_order"`
	Interrupted int   `json:"late_after_kill"`
	SameID      int   `json:"duplicates_same_id"`
	NewID       int   `json:"duplicates_new_id"`
	Takeovers   int   `json:"takeovers"`
	P50         int64 `json:"p50_ms"`
	P99         int64 `json:"p99_ms"`
}

func newReport(o options, f facts, took time.Duration) report {
	there, back := f.toGenesys.count(f.died), f.toHost.count(f.died)
	both := slices.Concat(there.times, back.times)
	r := report{
		Store: o.store, Replicas: o.replicas, Customers: o.customers, Messages: o.messages, Seed: o.seed,
		Kills: len(f.died), Seconds: took.Round(100 * time.Millisecond).Seconds(),
		Sent:             there.sent + back.sent,
		Delivered:        there.arrived + back.arrived + there.handedBack + back.handedBack,
		Lost:             there.lost + back.lost,
		Reordered:        there.reordered + back.reordered,
		DuplicatesSameID: there.sameID + back.sameID,
		DuplicatesNewID:  there.newID + back.newID,
		Takeovers:        there.takeovers + back.takeovers,
		P50:              percentile(both, 50).Milliseconds(), P99: percentile(both, 99).Milliseconds(),
		ToGenesys: newWay(there), ToHost: newWay(back),
		Sessions: len(f.sessions),
	}
	for id := range f.sessions {
		if !f.returned[id] {
			r.Unreturned++
		}
	}
	return r
}

func newWay(c counts) way {
	return way{
		Sent: c.sent, Arrived: c.arrived, HandedBack: c.handedBack, Lost: c.lost, NotAccepted: c.notAccepted, Reordered: c.reordered,
		Stray: c.stray, Interrupted: c.interrupted, SameID: c.sameID, NewID: c.newID, Takeovers: c.takeovers,
		P50: percentile(c.times, 50).Milliseconds(), P99: percentile(c.times, 99).Milliseconds(),
	}
}

// verdict returns an error that lists the broken promises, or nil.
func (r report) verdict() error {
	var errs []error
	for _, broken := range []struct {
		n    int
		what string
	}{
		{r.Lost, "accepted messages were lost"},
		{r.Reordered, "messages arrived in the wrong order"},
		{r.DuplicatesNewID, "messages arrived again under a new id"},
		{r.Unreturned, "handovers never returned to the bot"},
	} {
		if broken.n > 0 {
			errs = append(errs, fmt.Errorf("%d %s", broken.n, broken.what))
		}
	}
	for _, w := range []struct {
		way  way
		what string
	}{{r.ToGenesys, "customers"}, {r.ToHost, "agents"}} {
		if w.way.Sent == 0 && w.way.NotAccepted > 0 {
			errs = append(errs, fmt.Errorf("no replica accepted any of the %d messages of the %s", w.way.NotAccepted, w.what))
		}
	}
	for _, p := range r.Problems {
		errs = append(errs, errors.New(p))
	}
	return errors.Join(errs...)
}

// write writes a table for people to out, and JSON for programs to result.
func (r report) write(out, result io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, a, b any) { _, _ = fmt.Fprintf(t, "%s\t%v\t%v\t\n", name, a, b) }
	a, b := r.ToGenesys, r.ToHost
	row("", "customer → agent", "agent → customer")
	row("accepted", a.Sent, b.Sent)
	row("arrived", a.Arrived, b.Arrived)
	row("handed back to the bot", a.HandedBack, b.HandedBack)
	row("lost", a.Lost, b.Lost)
	row("reordered", a.Reordered, b.Reordered)
	row("late, and marked as late", a.Stray, b.Stray)
	row("late, after a kill", a.Interrupted, b.Interrupted)
	row("repeated, same id", a.SameID, b.SameID)
	row("repeated, new id", a.NewID, b.NewID)
	row("never accepted", a.NotAccepted, b.NotAccepted)
	row("taken over from the dead", a.Takeovers, b.Takeovers)
	row("half arrived within", ms(a.P50), ms(b.P50))
	row("99 of 100 within", ms(a.P99), ms(b.P99))
	_ = t.Flush() // out is a screen
	_, _ = fmt.Fprintf(out, "\n%s: %d handovers, %d not returned, %d processes killed, %.1f s\n",
		r.Store, r.Sessions, r.Unreturned, r.Kills, r.Seconds)
	return json.NewEncoder(result).Encode(r)
}

func ms(n int64) string { return milliseconds(time.Duration(n) * time.Millisecond) }
