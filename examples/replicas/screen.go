package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// How often progress is shown: in one line of a terminal that changes, else in lines.
const (
	everyTerminal = time.Second
	everyLine     = 5 * time.Second
)

// showProgress tells how far the run is until ctx ends.
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

// terminal reports whether a person looks at it.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
