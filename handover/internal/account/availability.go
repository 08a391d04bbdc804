package account

import (
	"context"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// Limits of the requests for Availability.
const (
	AvailabilityTime = LookupTime // limits the wait of a caller of Availability for Genesys
	WaitTime         = 1500 * time.Millisecond
	memberPages      = 5   // a queue with more pages is not counted
	memberPage       = 100 // members in a page
	FactTime         = 30 * time.Second
	// A caller with a shorter deadline does not count as a failure of Genesys.
	FactPatience = time.Second
	FactRoom     = 512 // beyond it, all facts are dropped
)

// CountAgents counts the members who serve a queue. It returns nil if that is uncertain or if there
// are more than 500. Each page is a request, so each spends its share of the budget.
func (a *Account) CountAgents(ctx context.Context, queueID string) (*int, error) {
	serving, seen := 0, 0
	for member, err := range a.Client.Routing.Members(ctx, queueID) {
		if err != nil {
			return nil, err
		}
		serves, known := serves(member)
		if seen++; !known || seen == memberPages*memberPage {
			return nil, nil //nolint:nilnil // unknown
		}
		if serves {
			serving++
		}
		if seen%memberPage == 0 {
			if err := a.Take(ShareCourtesy); err != nil {
				return nil, err
			}
		}
	}
	return &serving, nil
}

// serves reports whether a member takes conversations of the queue, and whether that is known.
func serves(m genesys.Member) (serves, known bool) {
	if !m.Joined {
		return false, true
	}
	switch m.RoutingStatus {
	case "IDLE", "INTERACTING", "COMMUNICATING":
		return true, true
	case "OFF_QUEUE", "NOT_RESPONDING":
		return false, true
	default:
		return false, false
	}
}
