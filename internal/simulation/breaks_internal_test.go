package simulation

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// findSeeds is within how many seeds a planted bug must be found.
const findSeeds = 1000

// finds: a simulation that cannot find a bug that is there proves nothing. with are faults that have to be on for it.
func finds(t *testing.T, bug saboteur, with ...fault) {
	t.Helper()
	breaks(t, "", bug, with...)
}

// breaks is finds for one invariant; empty: any will do.
func breaks(t *testing.T, invariant string, bug saboteur, with ...fault) {
	t.Helper()
	breaksWhere(t, invariant, bug, func(*plan) bool { return true }, with...)
}

// breaksWhere is breaks in those of the seeds that can show it.
func breaksWhere(t *testing.T, invariant string, bug saboteur, can func(*plan) bool, with ...fault) {
	t.Helper()
	for seed := range uint64(findSeeds) {
		p := newPlan(seed).with(with)
		if !can(&p) {
			continue
		}
		f, _ := simulate(p, bug, false)
		if f == nil || invariant != "" && f.invariant != invariant {
			continue
		}
		t.Logf("found after %d seeds: %s: %.200s", seed+1, f.invariant, f.detail)
		healthy, _ := simulate(p, saboteur{}, false)
		require.Nil(t, healthy, "it is not the planted bug that fails: %s", healthy)
		return
	}
	t.Fatalf("not found in %d seeds", findSeeds)
}

// with is the plan with faults that strike often.
func (p plan) with(on []fault) plan {
	p.rates = maps.Clone(p.rates)
	for _, f := range on {
		p.rates[f] = 0.3
		switch f {
		case faultStale: // what is read early is read late
			p.sources = []source{{name: "a", dies: never, returns: never}}
			delete(p.rates, faultSkew)
		case faultExpire:
			p.timers.Retention = 10 * time.Second
		default:
		}
	}
	return p
}

// A wrong store stands between the engine and the store.
type wrong struct {
	handover.Store

	get    func(r handover.Record) handover.Record
	put    func(ctx context.Context, r handover.Record, prev uint64) error
	remove func(ctx context.Context, k handover.Key, prev uint64) error
}

func (s *wrong) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	r, err := s.Store.Get(ctx, k)
	if err == nil && s.get != nil {
		r = s.get(r)
	}
	return r, err
}

func (s *wrong) Put(ctx context.Context, r handover.Record, prev uint64) error {
	if s.put != nil {
		return s.put(ctx, r, prev)
	}
	return s.Store.Put(ctx, r, prev)
}

func (s *wrong) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	if s.remove != nil {
		return s.remove(ctx, k, prev)
	}
	return s.Store.Delete(ctx, k, prev)
}
