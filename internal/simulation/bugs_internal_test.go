package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
)

// forgets is a bug that reads a record without what patterns match.
func forgets(instead map[string]string) saboteur {
	return saboteur{store: func(s handover.Store, _ *replica) handover.Store {
		return &wrong{Store: s, get: func(r handover.Record) handover.Record {
			for pattern, text := range instead {
				r.Data = regexp.MustCompile(pattern).ReplaceAll(r.Data, []byte(text))
			}
			return r
		}}
	}}
}

// Who does not see that another has the lane performs beside it.
func TestFindsSkippedLeases(t *testing.T) {
	t.Parallel()
	finds(t, forgets(map[string]string{`"lease":\{[^}]*\}`: `"lease":{}`}))
}

// Who forgets the ids delivers a repeated webhook once more.
func TestFindsForgottenIDs(t *testing.T) {
	t.Parallel()
	finds(t, forgets(map[string]string{`"(heard|said)":"[^"]*"`: `"$1":""`}))
}

// Who forgets its own last write believes the first read, however old.
func TestFindsTrustInTheFirstRead(t *testing.T) {
	t.Parallel()
	finds(t, forgets(map[string]string{`"wrote":"[^"]*"`: `"wrote":"0001-01-01T00:00:00Z"`}), faultStale)
}

// A write that is acknowledged before it is made is lost with the process.
func TestFindsWritesAfterTheEffect(t *testing.T) {
	t.Parallel()
	finds(t, saboteur{store: func(s handover.Store, r *replica) handover.Store { return newLagging(s, r) }})
}

// Whoever deletes without comparing takes what was written meanwhile along.
func TestFindsDeletesThatDoNotCompare(t *testing.T) {
	t.Parallel()
	finds(t, saboteur{store: func(s handover.Store, r *replica) handover.Store {
		w := &wrong{Store: s}
		w.remove = func(ctx context.Context, k handover.Key, prev uint64) error {
			err := s.Delete(ctx, k, prev)
			if c := r.w.store.cells[k]; errors.Is(err, handover.ErrConflict) && c != nil {
				return r.w.store.delete(r, k, c.record.Revision)
			}
			return err
		}
		return w
	}}, faultForget, faultExpire, faultSlow)
}

// Whoever writes over what it has not read loses it.
func TestFindsWritesThatDoNotCompare(t *testing.T) {
	t.Parallel()
	finds(t, saboteur{store: func(s handover.Store, r *replica) handover.Store {
		w := &wrong{Store: s}
		w.put = func(ctx context.Context, record handover.Record, prev uint64) error {
			err := s.Put(ctx, record, prev)
			if c := r.w.store.cells[record.Key]; errors.Is(err, handover.ErrConflict) && c != nil && prev != 0 && c.file != nil {
				record.Revision = max(record.Revision, c.record.Revision+1)
				return r.w.store.put(r, record, c.record.Revision)
			}
			return err
		}
		return w
	}})
}

// What nobody wakes for stays where it is.
func TestFindsLostWakeUps(t *testing.T) {
	t.Parallel()
	finds(t, saboteur{store: func(s handover.Store, _ *replica) handover.Store {
		return &wrong{Store: s, put: func(ctx context.Context, r handover.Record, prev uint64) error {
			r.WakeAt = r.WakeAt.Truncate(0).AddDate(1, 0, 0)
			return s.Put(ctx, r, prev)
		}}
	}})
}

// Two that perform the lane to Genesys at once send two messages at once.
func TestFindsTwoSenders(t *testing.T) {
	t.Parallel()
	breaks(t, "one message of a customer at a time", saboteur{store: func(s handover.Store, _ *replica) handover.Store {
		return &wrong{Store: s, get: func(r handover.Record) handover.Record {
			var top, out members
			if json.Unmarshal(r.Data, &top) != nil || json.Unmarshal(top["out"], &out) != nil {
				return r
			}
			delete(out, "lease")
			top["out"] = json.RawMessage(asJSON(out))
			r.Data = []byte(asJSON(top))
			return r
		}}
	}}, faultSlow)
}

// Who keeps of a newer release what is at the top, and nothing below it, loses what a roll-back needs.
func TestFindsDroppedUnknownFields(t *testing.T) {
	t.Parallel()
	breaks(t, "unknown fields survive a rewrite", olderWrites(func() func(of string, part members) {
		return func(_ string, part members) { delete(part, markPart) }
	}), faultFormats)
}

// Who keeps unknown fields by the place in a list gives them to others when the list moves up.
func TestFindsUnknownFieldsThatSlip(t *testing.T) {
	t.Parallel()
	breaks(t, "unknown fields stay where they are", olderWrites(func() func(of string, part members) {
		var before json.RawMessage
		return func(of string, part members) {
			mine := part[markPart]
			if strings.HasPrefix(of, "in ") && mine != nil && before != nil {
				part[markPart] = before
			}
			before = mine
		}
	}), faultFormats)
}

// olderWrites is a bug in how this release writes what the next one has written.
func olderWrites(bug func() func(of string, part members)) saboteur {
	return saboteur{store: func(s handover.Store, r *replica) handover.Store {
		return &wrong{Store: s, put: func(ctx context.Context, record handover.Record, prev uint64) error {
			if data, err := editParts(record.Data, bug()); err == nil && !r.newer {
				record.Data = data
			}
			return s.Put(ctx, record, prev)
		}}
	}}
}

// A lagging store acknowledges a write, and makes it at the next call of the same process.
type lagging struct {
	wrong

	r     *replica
	later map[handover.Key]lagged
}

type lagged struct {
	record handover.Record
	prev   uint64
}

func newLagging(s handover.Store, r *replica) *lagging {
	l := &lagging{r: r, later: map[handover.Key]lagged{}}
	l.Store, l.put = s, l.lag
	return l
}

func (l *lagging) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	if x, waits := l.later[k]; waits {
		delete(l.later, k)
		if err := l.Store.Put(ctx, x.record, x.prev); err != nil {
			return handover.Record{}, err
		}
	}
	return l.Store.Get(ctx, k)
}

func (l *lagging) lag(ctx context.Context, r handover.Record, prev uint64) error {
	if c := l.r.w.store.cells[r.Key]; c != nil && c.record.Revision != prev {
		return handover.ErrConflict
	}
	if !l.r.dead {
		l.later[r.Key] = lagged{r, prev}
		l.r.w.after(restCheck/5, func() {
			if x, waits := l.later[r.Key]; waits && !l.r.dead && x.record.Revision == r.Revision {
				delete(l.later, r.Key)
				_ = l.r.w.store.put(l.r, x.record, x.prev) // somebody else was quicker: lost
			}
		})
	}
	return ctx.Err()
}
