package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// thousandSessions opens sessions with one agent, within the rate limit of one OAuth client.
func thousandSessions(t *testing.T, org *genesystest.Org) (*host, []*genesystest.Desk) {
	t.Helper()
	org.SetRateLimit(1_000_000)
	ann := org.Agent("Ann", "Support")
	h := newHost(t, org)
	desks := make([]*genesystest.Desk, 0, thousand)
	for i := range thousand {
		h.handOver(t, fmt.Sprint("c", i), "h1")
		desks = append(desks, ann.Wait(t).Accept())
	}
	for _, d := range desks {
		h.reaches(t, d.Conversation().CustomerID(), handover.StateConnected)
	}
	org.SetRateLimit(300)
	pass(2 * time.Minute) // the rate-limit window of the openings has passed
	return h, desks
}

// endsOf ends a hundred conversations, one every ten seconds, and returns how long each end was
// undetected.
func endsOf(t *testing.T, h *host, desks []*genesystest.Desk) []time.Duration {
	t.Helper()
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	ended := map[string]time.Time{}
	for _, i := range dice.Perm(len(desks))[:100] {
		desks[i].End()
		ended[desks[i].Conversation().CustomerID()] = time.Now()
		pass(10 * time.Second)
	}
	genesystest.Until(t, func() bool { return len(h.noticed(handover.NoticeEnded)) == len(ended) })
	var unseen []time.Duration
	for _, n := range h.noticed(handover.NoticeEnded) {
		require.Equal(t, handover.EndByAgent, n.Session.Ending.Reason)
		unseen = append(unseen, n.Time.Sub(ended[n.Session.Key.Customer]))
	}
	slices.Sort(unseen)
	return unseen
}

// aMinute returns the number of requests in each minute since a time.
func aMinute(org *genesystest.Org, since time.Time, op string) (most int) {
	count := map[int]int{}
	for _, r := range org.Requests() {
		if !r.Time.Before(since) && strings.HasPrefix(r.Op, op) {
			count[int(r.Time.Sub(since)/time.Minute)]++
		}
	}
	for _, n := range count {
		most = max(most, n)
	}
	return most
}

// TestPollsOfThousandSessionsStayInTheirShare checks that polls use at most their share of the
// rate limit, even with a thousand sessions, and do not delay messages.
func TestPollsOfThousandSessionsStayInTheirShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h, desks := thousandSessions(t, org)
		pass(10 * time.Minute)
		began := time.Now()
		pass(10 * time.Minute)
		require.LessOrEqual(t, aMinute(org, began, ""), 95, "30% of 300, and one period of ten seconds more or less")
		require.GreaterOrEqual(t, aMinute(org, began, "conversations.get"), 80, "what may be spent is spent")

		for n := range 120 { // two minutes with one message a second
			d := desks[n*2]
			h.says(t, d.Conversation().CustomerID(), fmt.Sprint("m", n), fmt.Sprint("message ", n), handover.TurnAgent)
			pass(time.Second)
			require.Contains(t, d.Texts(), fmt.Sprint("message ", n), "at once")
		}
		for _, r := range org.Requests() {
			require.False(t, r.Status == http.StatusTooManyRequests && r.Time.After(began))
		}
		unseen := endsOf(t, h, desks)
		t.Logf("%d sessions, polls alone: an end is seen after %v in the median, %v at the latest",
			thousand, unseen[len(unseen)/2].Round(time.Second), unseen[len(unseen)-1].Round(time.Second))
		require.LessOrEqual(t, unseen[len(unseen)-1], 25*time.Minute)
	})
}

// TestOneTopicReportsThousandSessions checks that one topic reports the changes of every
// session, so that an end is detected within one request.
func TestOneTopicReportsThousandSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h, desks := thousandSessions(t, org)
		h.listens(t.Context(), t, org)
		pass(20 * time.Minute)
		began := time.Now()
		pass(10 * time.Minute)
		require.LessOrEqual(t, aMinute(org, began, ""), 95)
		unseen := endsOf(t, h, desks)
		t.Logf("%d sessions, one topic: an end is seen after %v in the median, %v at the latest",
			thousand, unseen[len(unseen)/2], unseen[len(unseen)-1])
		require.LessOrEqual(t, unseen[len(unseen)*9/10], 100*time.Millisecond, "one round trip")
		require.LessOrEqual(t, unseen[len(unseen)-1], 3*time.Second, "two seconds lie between two reads of a conversation")
		require.Equal(t, 1, org.Sockets())
		require.Len(t, requests(org, "notifications.channels.create"), 1)
		for _, r := range requests(org, "notifications.subscriptions.replace") {
			require.Equal(t, 1, strings.Count(string(r.Body), "v2.routing.queues"), "one topic")
		}
	})
}
