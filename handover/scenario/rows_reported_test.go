package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestReturnGivenUpWithoutWords checks that a Return without messages that is given up has a
// notice, too.
func TestReturnGivenUpWithoutWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h, w := keptForAMonth(t, org)
		h.returning(func(context.Context, handover.Return) error { return errors.New("down") })
		h.connected(t, "c1", ann).End()
		pass(8 * 24 * time.Hour)
		notices := h.noticed(handover.NoticeMessageFailed)
		require.Len(t, notices, 1)
		require.Contains(t, notices[0].Detail, "7 days")
		require.Equal(t, 1, strings.Count(w.logs.String(), "given up"))
	})
}

// TestNoticeGivenUpIsLogged checks that each notice that the host refuses for a day has a log line,
// and Explain shows it.
func TestNoticeGivenUpIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h, w := keptForAMonth(t, org)
		h.notifying(func(context.Context, handover.Notice) error { return errors.New("down") })
		h.connected(t, "c1", ann).End()
		h.until(t, 1)
		// And ended, for 7 days.
		kinds := []string{"requested", "queued", "alerting", "agentJoined", "returned"}
		pass(25 * time.Hour)
		require.Empty(t, h.kinds())
		require.Equal(t, len(kinds), strings.Count(w.logs.String(), "given up"))
		text, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
		require.NoError(t, err)
		require.Equal(t, len(kinds), strings.Count(text, "given up"))
	})
}

// TestRefusedMessagesAreAllReported checks that each refused message has its notice. Explain
// reports those beyond 32, which are in no Return.
func TestRefusedMessagesAreAllReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.AllowErrors())
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusBadRequest, Times: 40})
		var ids []string
		for i := range 40 {
			id := fmt.Sprint("m", i)
			ids = append(ids, id)
			h.says(t, "c1", id, "text", handover.TurnAgent)
			pass(5 * time.Second)
		}
		var reported []string
		for _, n := range h.noticed(handover.NoticeMessageFailed) {
			reported = append(reported, n.MessageID)
		}
		require.Equal(t, ids, reported)
		text, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
		require.NoError(t, err)
		require.Contains(t, text, "too many were refused")
		chat.End()
		h.until(t, 1)
		require.Len(t, h.returned()[0].Unanswered, 32)
	})
}

// TestFailedReceiptsThatAreLostAreReported checks that the host is notified, also by Explain, if
// Genesys accepts no receipts and the agent does not see that messages failed.
func TestFailedReceiptsThatAreLostAreReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.AllowErrors())
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		h.failing(func(context.Context, handover.Delivery) error {
			return handover.Undeliverable(openmessaging.ReasonGeneralError, nil)
		})
		org.Inject(genesystest.Fault{Op: "openmessaging.receipt", Status: http.StatusServiceUnavailable, Times: -1})
		for range 70 {
			chat.Say("text")
			pass(time.Second)
		}
		pass(3 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeMessageFailed), 70)
		text, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
		require.NoError(t, err)
		require.Contains(t, text, "Genesys got no receipt that a message of the agent failed")
	})
}
