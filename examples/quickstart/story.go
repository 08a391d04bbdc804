package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
	"github.com/genesyshandover/genesyshandover/handover"
)

// story prints what happens: the time, the messages, the states of the session, and the API
// calls.
type story struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
	calls map[string]int
}

func newStory(w io.Writer) *story {
	return &story{w: w, start: time.Now(), calls: map[string]int{}}
}

func (s *story) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.w, "%6.2fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// chapter prints a heading.
func (s *story) chapter(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.w, "\n%s\n", text)
}

// says prints a message of the conversation.
func (s *story) says(who, whom, text string) {
	s.line("%-9s → %-9s %s", who, whom, text)
}

// state prints a state of the session.
func (s *story) state(state handover.State, why string) {
	s.line("%21s %-10s %s", "state:", state, why)
}

// called prints a call of the API client. It is an observer of genesys.Client.
func (s *story) called(_ context.Context, c genesys.Call) {
	s.mu.Lock()
	s.calls[c.Op]++
	s.mu.Unlock()
	s.line("%21s %s %d", "Genesys API:", c.Op, c.Status)
}

// observe prints some events of the Listener. It is an observer of notifications.Listener.
func (s *story) observe(e notifications.Event) {
	if e.Kind == notifications.Connected || e.Kind == notifications.Rejected {
		s.line("%21s %s %s", "Genesys notifications:", e.Kind, strings.Join(e.Permissions, ", "))
	}
}

// sum returns the number of API calls.
func (s *story) sum() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		n += c
	}
	return n
}
