package handover

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// listed is a read at the time of an edit that shows an agent and lists messages.
func (e *edit) listed(refs ...genesys.MessageRef) outcome {
	return outcome{duty: dutyLook, read: &reading{began: e.now, standing: standing(genesys.PhaseConnected), messages: refs}}
}

func refAt(id string, at time.Time) genesys.MessageRef {
	return genesys.MessageRef{ID: id, Status: "delivery-failed", Time: at}
}

// storedOf is what Genesys kept of messages.
func storedOf(refs []genesys.MessageRef) []genesys.StoredMessage {
	var list []genesys.StoredMessage
	for _, ref := range refs {
		list = append(list, genesys.StoredMessage{
			ID: ref.ID, Outbound: true, Time: ref.Time, Message: openmessaging.Outbound{
				ID: ref.ID, Time: ref.Time, CustomerID: "customer", Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: ref.ID},
			},
		})
	}
	return list
}

// repair looks again and again, with a host that takes all at once, until nothing is missing, and says what was delivered.
func (e *edit) repair(t *testing.T, refs []genesys.MessageRef, reads int) (delivered []string) {
	t.Helper()
	for range reads {
		j := jobOn(t, e, control)
		o := e.listed(refs...)
		o.asked = j.file.gapOf(o.read, j.file.Now.Tried, j.file.Now.listing, false).missing
		o.stored = storedOf(o.asked)
		e.settleAs(j, o)
		for len(e.In.Entries) > 0 {
			if d := e.In.remove(0).Delivery; d != nil {
				delivered = append(delivered, d.ID)
			}
		}
		e.now = e.now.Add(readPause)
	}
	return delivered
}

// However many messages an outage took, each is fetched once, and none that a webhook brought comes again.
func TestALongGapIsRepairedToTheEnd(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]time.Duration{"an hour": 12 * time.Second, "some minutes": 2 * time.Second} {
		for _, n := range []int{60, 140, 290, 1000} {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				t.Parallel()
				e := newEdit(fileIn(StateConnected))
				span := time.Duration(n+60) * apart
				e.Now.Tried = noon().Add(-span - 30*time.Minute)
				e.Now.Reached = true
				var refs []genesys.MessageRef
				var want []string
				for i := range 40 {
					ref := refAt(fmt.Sprint("heard ", i), noon().Add(-span-20*time.Minute+time.Duration(i)*time.Second))
					e.Heard.remember(ref.ID, heard, ref.Time)
					refs = append(refs, ref)
				}
				for i := range n {
					ref := refAt(fmt.Sprint("missed ", i), noon().Add(-span+time.Duration(i)*apart))
					refs, want = append(refs, ref), append(want, ref.ID)
				}
				for i := range 10 {
					ref := refAt(fmt.Sprint("heard later ", i), noon().Add(-time.Minute+time.Duration(i)*time.Second))
					e.Heard.remember(ref.ID, heard, ref.Time)
					refs = append(refs, ref)
				}
				got := e.repair(t, refs, n/genesys.MaxBulkMessages+3)
				require.Len(t, got, n)
				require.Equal(t, want, got)
			})
		}
	}
}
