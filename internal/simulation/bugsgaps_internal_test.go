package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Bugs in how gaps are repaired, and in what is believed of the notification socket.

// repairs are the plans in which webhooks are lost for good and what they would have brought may be fetched.
func repairs(p *plan) bool {
	return p.any(faultOutage, faultLetter) && p.foreign == "" && !p.has(faultUnseen) && !p.has(faultFetch)
}

// lane edits the entries of the lane to the host before they are stored.
func lane(bug func(r *replica, list []members) []members) saboteur {
	return saboteur{store: func(s handover.Store, r *replica) handover.Store {
		return rearranges(func(list []members) []members { return bug(r, list) }).store(s, r)
	}}
}

// Who takes what was fetched for delivered loses it.
func TestFindsFetchedMessagesThatAreDropped(t *testing.T) {
	t.Parallel()
	breaksWhere(t, "what no webhook brings is fetched or reported", lane(func(r *replica, list []members) []members {
		return slices.DeleteFunc(list, func(x members) bool {
			var d viewSaid
			if json.Unmarshal(x["delivery"], &d) != nil {
				return false
			}
			m := r.w.ledger.line[d.Message.Text]
			_, fetched := m.had[r]
			return fetched && m.kept == ""
		})
	}), repairs)
}

// Who forgets what he has fetched takes it from its webhook once more.
func TestFindsFetchedMessagesThatAreTakenTwice(t *testing.T) {
	t.Parallel()
	const markSize, missed = 12, 3
	breaksWhere(t, "a message of an agent is delivered once", saboteur{store: func(s handover.Store, _ *replica) handover.Store {
		return &wrong{Store: s, get: func(r handover.Record) handover.Record {
			var top members
			var heard []byte
			if json.Unmarshal(r.Data, &top) != nil || json.Unmarshal(top["heard"], &heard) != nil {
				return r
			}
			var kept []byte
			for mark := range slices.Chunk(heard, markSize) {
				if mark[markSize-1]&0xf != missed {
					kept = append(kept, mark...)
				}
			}
			top["heard"] = json.RawMessage(asJSON(kept))
			r.Data = []byte(asJSON(top))
			return r
		}}
	}}, repairs)
}

// Who does not say that something is missing hides it.
func TestFindsGapsThatAreNotReported(t *testing.T) {
	t.Parallel()
	breaksWhere(t, "what no webhook brings is fetched or reported", lane(func(_ *replica, list []members) []members {
		return slices.DeleteFunc(list, func(x members) bool { return strings.Contains(string(x["notice"]), `"kind":"gap"`) })
	}), func(p *plan) bool { return p.any(faultOutage, faultLetter) && p.has(faultUnseen) && p.foreign == "" })
}

// Who goes on from where he could not fetch anything never looks there again.
func TestFindsGapsThatArePassedOver(t *testing.T) {
	t.Parallel()
	failed := map[*replica]bool{}
	bug := saboteur{
		calls: func(next http.RoundTripper, r *replica) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if strings.HasSuffix(req.URL.Path, "/messages/bulk") {
					failed[r] = err != nil || resp.StatusCode != http.StatusOK
				}
				return resp, err
			})
		},
		store: func(s handover.Store, r *replica) handover.Store {
			return &wrong{Store: s, put: func(ctx context.Context, x handover.Record, prev uint64) error {
				var top, now members
				if err := json.Unmarshal(x.Data, &top); err != nil {
					return errors.Join(errStore, err)
				}
				if failed[r] && json.Unmarshal(top["now"], &now) == nil {
					now["checked"] = json.RawMessage(asJSON(r.clock()))
					top["now"] = json.RawMessage(asJSON(now))
					x.Data = []byte(asJSON(top))
				}
				return s.Put(ctx, x, prev)
			}}
		},
	}
	breaksWhere(t, "what no webhook brings is fetched or reported", bug, func(p *plan) bool {
		return p.any(faultOutage, faultLetter) && p.has(faultFetch) && p.foreign == ""
	})
}

// Who gives the conversation back before he has what its last read lists lets the bot talk over an agent's last words.
func TestFindsReturnsBeforeTheLastWords(t *testing.T) {
	t.Parallel()
	breaksWhere(t, "a Return comes after what the read before it lists", lane(func(_ *replica, list []members) []members {
		back := func(x members) int {
			if is(x, "kind", "return") {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(list, func(a, b members) int { return back(a) - back(b) })
		return list
	}), repairs, faultLetter)
}

// Who takes a socket that another replica holds for dead tells it of one that is alive.
func TestFindsSocketsThatAreTakenForDead(t *testing.T) {
	t.Parallel()
	asked := 0
	breaksWhere(t, "only a source that is gone is lost", saboteur{store: func(s handover.Store, _ *replica) handover.Store {
		return &wrong{Store: s, get: func(r handover.Record) handover.Record {
			if asked++; isReserved(r.Key) && asked%20 == 0 {
				r.Data = []byte(`{"format":1,"owner":"nobody","until":` + asJSON(epoch.Add(-time.Hour)) + `}`)
			}
			return r
		}}
	}}, func(p *plan) bool { return p.socket == socketAlive && len(p.sources) > 0 })
}
