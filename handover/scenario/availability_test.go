package scenario_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

const (
	opMembers = "routing.members.list"
	opWait    = "routing.estimatedWait"
)

// formatted returns an Availability as text, such as "agents wait".
func formatted(a handover.Availability) string {
	agents, wait := "?", "?"
	if a.Agents != nil {
		agents = fmt.Sprint(*a.Agents)
	}
	if a.Wait != nil {
		wait = a.Wait.String()
	}
	return agents + " " + wait
}

// available calls Availability and fails the test on an error.
func (h *host) available(t *testing.T, queue string) string {
	t.Helper()
	a, err := h.desk.Availability(t.Context(), "", queue)
	require.NoError(t, err)
	return formatted(a)
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.Agent("Ann", "Support")
		org.Agent("Ben", "Support").GoOffQueue()
		org.Agent("Cid", "Support", "Sales")
		org.Queue("Support").SetEstimatedWait(90 * time.Second)
		org.Queue("Sales").SetEstimatedWait(-1)
		h := buildHost(t, org)
		require.Equal(t, "2 1m30s", h.available(t, ""), "the channel's queue")
		require.Equal(t, "2 1m30s", h.available(t, org.Queue("Support").ID()), "by id")
		require.Equal(t, "2 1m30s", h.available(t, strings.ToUpper(org.Queue("Support").ID())))
		require.Equal(t, "1 ?", h.available(t, "Sales"), "Genesys has no estimate")
		org.Queue("Quiet")
		require.Equal(t, "0 ?", h.available(t, "Quiet"), "zero agents is not unknown")
	})
}

func TestAvailabilityIsCachedFor30Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h := buildHost(t, org)
		require.Equal(t, "1 30s", h.available(t, ""))
		ann.GoOffQueue()
		pass(29 * time.Second)
		require.Equal(t, "1 30s", h.available(t, "Support"))
		require.Len(t, requests(org, opMembers), 1)
		require.Len(t, requests(org, opWait), 1)
		pass(time.Second)
		require.Equal(t, "0 30s", h.available(t, ""))
		require.Len(t, requests(org, opMembers), 2)
		require.Len(t, requests(org, "routing.queues.list"), 1)
	})
}

func TestAvailabilityOfAnUnknownQueueOrChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := buildHost(t, org)
		for range 3 {
			_, err := h.desk.Availability(t.Context(), "", "Supports")
			require.ErrorIs(t, err, handover.ErrNoQueue)
			require.ErrorContains(t, err, `near: "Support"`)
		}
		require.Len(t, requests(org, "routing.queues.list"), 2, "one search for the name, and one for what is near")
		_, err := h.desk.Availability(t.Context(), "", "00000000-0000-4000-8000-000000000000")
		require.ErrorIs(t, err, handover.ErrNoQueue)
		_, err = h.desk.Availability(t.Context(), "nobody", "")
		require.ErrorIs(t, err, handover.ErrNoChannel)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = h.desk.Availability(gone, "", "")
		require.ErrorIs(t, err, context.Canceled)
		org.Queue("Supports")
		pass(30 * time.Second)
		require.Equal(t, "0 ?", h.available(t, "Supports"), "the queue was created since")
	})
}

// TestAvailabilityOfARefusedPartIsUnknown checks that a part that Genesys refuses is unknown,
// and the other part is still returned.
func TestAvailabilityOfARefusedPartIsUnknown(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		for op, want := range map[string]string{opMembers: "? 30s", opWait: "1 ?"} {
			if status == http.StatusTooManyRequests && op == opWait {
				want = "? ?" // requests are paused, and the first one caused the pause
			}
			t.Run(fmt.Sprint(op, " ", status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					org := genesystest.New(t, genesystest.AllowErrors())
					org.Agent("Ann", "Support")
					h := buildHost(t, org)
					org.Inject(genesystest.Fault{Op: op, Status: status})
					require.Equal(t, want, h.available(t, ""))
					pass(30 * time.Second)
					require.Equal(t, "1 30s", h.available(t, ""))
				})
			})
		}
	}
}

// TestAvailabilityWithoutPermissionIsUnknown checks that everything is unknown without the
// permission, that this is logged once, and that handovers still work.
func TestAvailabilityWithoutPermissionIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		support := org.Queue("Support").ID()
		ann := org.Agent("Ann", "Support")
		org.SetPermissions("conversation:message:receive", "conversation:communication:blindTransfer")
		var log bytes.Buffer
		h := newHost(t, org, func(c *handover.Config) {
			c.Channel.AgentQueue, c.Channel.BotQueue = support, org.Queue("Bot").ID()
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		for range 9 {
			require.Equal(t, "? ?", h.available(t, ""))
			pass(30 * time.Second)
		}
		require.Equal(t, 2, strings.Count(log.String(), "availability of queues is unknown"), log.String())
		require.Equal(t, 2, strings.Count(log.String(), "routing:queue:view"))
		began := time.Now()
		h.connected(t, "c1", ann)
		require.WithinDuration(t, began, posts(t, org)[0].At, time.Second, "the breaker is closed")
	})
}

// TestAvailabilityTakesAtMostFourSeconds checks that the result is unknown after four seconds
// if Genesys does not answer, and that concurrent callers share that wait.
func TestAvailabilityTakesAtMostFourSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		org.Agent("Ann", "Support")
		h := buildHost(t, org)
		for _, op := range []string{opMembers, opWait} {
			org.Inject(genesystest.Fault{Op: op, Times: -1, Delay: time.Hour})
		}
		began := time.Now()
		require.Equal(t, "? ?", h.available(t, ""))
		require.Equal(t, 4*time.Second, time.Since(began))
		require.Equal(t, "? ?", h.available(t, ""))
		require.Equal(t, 4*time.Second, time.Since(began))
		org.ClearFaults()
		pass(30 * time.Second)
		require.Equal(t, "1 30s", h.available(t, ""))
	})
}

// TestAvailabilityCountsAtMost500Members checks that at most 500 members are read and counted.
func TestAvailabilityCountsAtMost500Members(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := buildHost(t, org)
		join := func(n int) {
			for i := range n {
				org.Agent(fmt.Sprint("agent ", i), "Support")
			}
			pass(30 * time.Second)
		}
		join(499)
		require.Equal(t, "499 30s", h.available(t, ""))
		require.Len(t, requests(org, opMembers), 5)
		join(2000)
		require.Equal(t, "? 30s", h.available(t, ""))
		require.Len(t, requests(org, opMembers), 10)
	})
}

// TestConcurrentAvailabilityCallsShareARequest checks that concurrent callers share one
// request, and that another caller repeats it if the first caller's context ends.
func TestConcurrentAvailabilityCallsShareARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.Agent("Ann", "Support")
		h := buildHost(t, org)
		org.Inject(genesystest.Fault{Op: opWait, Delay: time.Second})
		first, leave := context.WithCancel(t.Context())
		left, answers := make(chan error, 1), make(chan string, 20)
		go func() {
			_, err := h.desk.Availability(first, "", "")
			left <- err
		}()
		synctest.Wait()
		for range cap(answers) {
			go func() {
				a, err := h.desk.Availability(t.Context(), "", "")
				answers <- fmt.Sprint(formatted(a), err)
			}()
		}
		pass(500 * time.Millisecond)
		leave()
		require.ErrorIs(t, <-left, context.Canceled)
		for range cap(answers) {
			require.Equal(t, "1 30s<nil>", <-answers)
		}
		require.Len(t, requests(org, opMembers), 1)
		require.LessOrEqual(t, len(requests(org, opWait)), 2, "the one that was left, and another")
	})
}
