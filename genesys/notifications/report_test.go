package notifications_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

// A reporter is an owner that hears of the socket.
type reporter struct {
	owner

	fails int // so many reports
	heard []bool
}

// Report implements notifications.Reporter.
func (r *reporter) Report(_ context.Context, alive bool) error {
	r.shelf.mu.Lock()
	defer r.shelf.mu.Unlock()
	if r.fails > 0 {
		r.fails--
		return errors.New("not now")
	}
	r.heard = append(r.heard, alive)
	return nil
}

func TestReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l, row := newStub(t), &log{}, &shelf{}
		r := &reporter{owner: owner{row, 1}, fails: 2}
		start(t, s, l, l.changed, notifications.WithOwner(r))
		heard := func(want ...bool) {
			t.Helper()
			row.with(func() { require.Equal(t, want, r.heard) })
		}
		pass(time.Minute)
		heard(true)
		for range 20 {
			s.cut()
			pass(10 * time.Second)
		}
		heard(true)
		pass(2 * time.Minute) // the last cut may have been a while without a connection already
		s.with(func() { s.fail = func(string, int) int { return http.StatusServiceUnavailable } })
		s.cut()
		pass(50 * time.Second)
		heard(true)
		pass(30 * time.Second)
		heard(true, false)
		pass(10 * time.Minute)
		heard(true, false)
		s.with(func() { s.fail = nil })
		pass(90 * time.Second)
		heard(true, false, true)
	})
}
