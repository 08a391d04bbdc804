package account

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/stretchr/testify/require"
)

// Sessions that are read because of signals release the slots of their polls.
func TestSignalsSpendNoSlotsInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(environment.New(), NewBudget())
		list := make([]*record.Transaction, 80)
		for i := range list {
			list[i] = recordtest.NewTransaction(recordtest.RecordIn(machine.StateConnected))
		}
		for range 90 { // half an hour
			for _, tx := range list {
				tx.Now = machine.TimeOf(time.Now())
				tx.ReadSoon(tx.Handover)
				o := listedOutcome(tx)
				o.Polls = a
				tx.SettleTask(&record.Job{Lane: record.Control, Record: tx.Record}, o)
				tx.ReservePoll(o, &record.Reservation{})
			}
			<-time.After(20 * time.Second)
		}
		require.Less(t, time.Until(a.PollSlot(machine.TimeOf(time.Now())).Std()), 2*time.Minute)
	})
}
