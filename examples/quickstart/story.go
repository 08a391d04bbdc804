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

// story prints what happens, so that a person can follow it: time, who → whom, state, what the API saw.
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

// chapter says what comes next.
func (s *story) chapter(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.w, "\n%s\n", text)
}

// says is a line of the conversation.
func (s *story) says(who, whom, text string) {
	s.line("%-9s → %-9s %s", who, whom, text)
}

// state is a step of the session.
func (s *story) state(state handover.State, why string) {
	s.line("%21s %-10s %s", "state:", state, why)
}

// called is an observer of the API client.
func (s *story) called(_ context.Context, c genesys.Call) {
	s.mu.Lock()
	s.calls[c.Op]++
	s.mu.Unlock()
	s.line("%21s %s %d", "Genesys API:", c.Op, c.Status)
}

// heard is an observer of the notifications.
func (s *story) heard(e notifications.Event) {
	if e.Kind == notifications.Connected || e.Kind == notifications.Rejected {
		s.line("%21s %s %s", "Genesys notifications:", e.Kind, strings.Join(e.Permissions, ", "))
	}
}

// sum is how many calls the API saw.
func (s *story) sum() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		n += c
	}
	return n
}
