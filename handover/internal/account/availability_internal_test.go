package account

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/stretchr/testify/require"
)

func TestWhoServesAQueue(t *testing.T) {
	t.Parallel()
	for status, want := range map[string][2]bool{
		"IDLE": {true, true}, "INTERACTING": {true, true}, "COMMUNICATING": {true, true},
		"OFF_QUEUE": {false, true}, "NOT_RESPONDING": {false, true}, "": {false, false}, "MEDITATING": {false, false},
	} {
		counted, known := serves(genesys.Member{Joined: true, RoutingStatus: status})
		require.Equal(t, want, [2]bool{counted, known}, status)
		counted, known = serves(genesys.Member{RoutingStatus: status})
		require.Equal(t, [2]bool{false, true}, [2]bool{counted, known}, "not on this queue")
	}
}

// No more than four questions run at once, so that slots are left for messages.
func TestAvailabilityLeavesSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(environment.New(), NewBudget())
		under := make(chan struct{}, 100)
		for range 20 {
			go func() {
				_ = a.Ask(t.Context(), func(context.Context) error {
					under <- struct{}{}
					<-t.Context().Done()
					return nil
				})
			}()
		}
		synctest.Wait()
		require.Len(t, under, accountQuestions)
		require.Len(t, a.Slots, accountEffects-accountQuestions)
	})
}
