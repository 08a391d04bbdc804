package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/stretchr/testify/require"
)

// maxBugSeeds is within how many seeds a planted bug must be found.
const maxBugSeeds = 1000

// mustFind checks that the simulation finds a bug. with are faults that must be on for it.
func mustFind(t *testing.T, bug plantedBug, with ...fault) {
	t.Helper()
	mustBreak(t, "", bug, with...)
}

// mustBreak is mustFind for one invariant; an empty one means any.
func mustBreak(t *testing.T, invariant string, bug plantedBug, with ...fault) {
	t.Helper()
	mustBreakWhere(t, invariant, bug, func(*plan) bool { return true }, with...)
}

// mustBreakWhere is mustBreak in the plans that can show the bug.
func mustBreakWhere(t *testing.T, invariant string, bug plantedBug, can func(*plan) bool, with ...fault) {
	t.Helper()
	if raceDetector {
		t.Skip("skipped with the race detector: it keeps 60 MB for each history, and TestSimulation runs the same code")
	}
	for n, p := range shortestFirst(can, with) {
		f, _ := simulate(p, bug, false)
		if f == nil || invariant != "" && f.invariant != invariant {
			continue
		}
		t.Logf("found after %d plans, seed %d: %s: %.200s", n+1, p.seed, f.invariant, f.detail)
		healthy, _ := simulate(p, plantedBug{}, false)
		require.Nil(t, healthy, "it fails without the planted bug: %s", healthy)
		return
	}
	t.Fatalf("not found in %d seeds", maxBugSeeds)
}

// shortestFirst returns the plans that can show a bug, the cheapest first.
func shortestFirst(can func(*plan) bool, with []fault) []plan {
	var list []plan
	for seed := range uint64(maxBugSeeds) {
		if p := newPlan(seed).with(with); can(&p) {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b plan) int { return cmp.Compare(a.cost(), b.cost()) })
	return list
}

// cost estimates how much a history has to simulate.
func (p *plan) cost() time.Duration {
	most := p.duration
	if p.remoteEnd {
		most += remoteEndTime / 10
	}
	return most * time.Duration(p.customers)
}

// with returns the plan with faults that happen often.
func (p plan) with(on []fault) plan {
	p.rates = maps.Clone(p.rates)
	for _, f := range on {
		p.rates[f] = 0.3
		switch f {
		case faultStale: // signals cause early reads
			p.sources = []source{{name: "a", diesAt: never, returnsAt: never}}
			delete(p.rates, faultSkew)
		case faultExpire:
			p.timers.Retention = 10 * time.Second
		default:
		}
	}
	return p
}

// A brokenStore changes what the engine reads from and writes to its store.
type brokenStore struct {
	engine.Store

	onGet    func(r record.Stored) record.Stored
	onPut    func(ctx context.Context, r record.Stored, prev uint64) error
	onDelete func(ctx context.Context, k machine.Key, prev uint64) error
}

func (s *brokenStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	r, err := s.Store.Get(ctx, k)
	if err == nil && s.onGet != nil {
		r = s.onGet(r)
	}
	return r, err
}

func (s *brokenStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	if s.onPut != nil {
		return s.onPut(ctx, r, prev)
	}
	return s.Store.Put(ctx, r, prev)
}

func (s *brokenStore) Delete(ctx context.Context, k machine.Key, prev uint64) error {
	if s.onDelete != nil {
		return s.onDelete(ctx, k, prev)
	}
	return s.Store.Delete(ctx, k, prev)
}

// editsReads is a bug that replaces patterns in the records that are read.
func editsReads(instead map[string]string) plantedBug {
	return plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onGet: func(r record.Stored) record.Stored {
			for pattern, text := range instead {
				r.Data = regexp.MustCompile(pattern).ReplaceAll(r.Data, []byte(text))
			}
			return r
		}}
	}}
}

// The engine ignores the lease of another replica.
func TestFindsSkippedLeases(t *testing.T) {
	t.Parallel()
	mustFind(t, editsReads(map[string]string{`"lease":\{[^}]*\}`: `"lease":{}`}))
}

// The engine forgets ids and delivers a repeated webhook again.
func TestFindsForgottenIDs(t *testing.T) {
	t.Parallel()
	mustFind(t, editsReads(map[string]string{`"(heard|said)":"[^"]*"`: `"$1":""`}))
}

// The engine forgets its last write and trusts the first read, however old.
func TestFindsTrustInTheFirstRead(t *testing.T) {
	t.Parallel()
	mustFind(t, editsReads(map[string]string{`"wrote":"[^"]*"`: `"wrote":"0001-01-01T00:00:00Z"`}), faultStale)
}

// A write is acknowledged before it is made, and lost with the process.
func TestFindsWritesAfterTheEffect(t *testing.T) {
	t.Parallel()
	mustFind(t, plantedBug{store: func(s engine.Store, r *replica) engine.Store { return newLagging(s, r) }})
}

// A delete without a comparison removes what was written since the read.
func TestFindsDeletesThatDoNotCompare(t *testing.T) {
	t.Parallel()
	mustFind(t, plantedBug{store: func(s engine.Store, r *replica) engine.Store {
		w := &brokenStore{Store: s}
		w.onDelete = func(ctx context.Context, k machine.Key, prev uint64) error {
			err := s.Delete(ctx, k, prev)
			if c := r.w.store.cells[k]; errors.Is(err, record.ErrConflict) && c != nil {
				return r.w.store.delete(r, k, c.record.Revision)
			}
			return err
		}
		return w
	}}, faultForget, faultExpire, faultSlow)
}

// A write without a comparison loses what was written since the read.
func TestFindsWritesThatDoNotCompare(t *testing.T) {
	t.Parallel()
	mustFind(t, plantedBug{store: func(s engine.Store, r *replica) engine.Store {
		w := &brokenStore{Store: s}
		w.onPut = func(ctx context.Context, rec record.Stored, prev uint64) error {
			err := s.Put(ctx, rec, prev)
			if c := r.w.store.cells[rec.Key]; errors.Is(err, record.ErrConflict) && c != nil && prev != 0 && c.view != nil {
				rec.Revision = max(rec.Revision, c.record.Revision+1)
				return r.w.store.put(r, rec, c.record.Revision)
			}
			return err
		}
		return w
	}})
}

// A record with work never becomes due.
func TestFindsLostWakeUps(t *testing.T) {
	t.Parallel()
	mustFind(t, plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onPut: func(ctx context.Context, r record.Stored, prev uint64) error {
			r.WakeAt = r.WakeAt.Truncate(0).AddDate(1, 0, 0)
			return s.Put(ctx, r, prev)
		}}
	}})
}

// Two replicas own the lane to Genesys and send two messages at once.
func TestFindsTwoSenders(t *testing.T) {
	t.Parallel()
	mustBreak(t, "one message of a customer at a time", plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onGet: func(r record.Stored) record.Stored {
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

// The engine keeps unknown fields at the top of a record only.
func TestFindsDroppedUnknownFields(t *testing.T) {
	t.Parallel()
	mustBreak(t, "unknown fields survive a rewrite", olderWrites(func() func(of string, part members) {
		return func(_ string, part members) { delete(part, markPart) }
	}), faultFormats)
}

// The engine keeps unknown fields by their position in a list, which changes.
func TestFindsUnknownFieldsThatSlip(t *testing.T) {
	t.Parallel()
	mustBreak(t, "unknown fields stay where they are", olderWrites(func() func(of string, part members) {
		var before json.RawMessage
		return func(of string, part members) {
			mine := part[markPart]
			if strings.HasPrefix(of, "word ") && mine != nil && before != nil {
				part[markPart] = before
			}
			before = mine
		}
	}), faultFormats)
}

// olderWrites is a bug in how this release writes a record of the next one.
func olderWrites(bug func() func(of string, part members)) plantedBug {
	return plantedBug{store: func(s engine.Store, r *replica) engine.Store {
		return &brokenStore{Store: s, onPut: func(ctx context.Context, rec record.Stored, prev uint64) error {
			if data, err := editParts(rec.Data, bug()); err == nil && !r.newer {
				rec.Data = data
			}
			return s.Put(ctx, rec, prev)
		}}
	}}
}

// A laggingStore acknowledges a write, and makes it at the next call of the same process.
type laggingStore struct {
	brokenStore

	r     *replica
	later map[machine.Key]delayedWrite
}

type delayedWrite struct {
	record record.Stored
	prev   uint64
}

func newLagging(s engine.Store, r *replica) *laggingStore {
	l := &laggingStore{r: r, later: map[machine.Key]delayedWrite{}}
	l.Store, l.onPut = s, l.lag
	return l
}

func (l *laggingStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	if x, waits := l.later[k]; waits {
		delete(l.later, k)
		if err := l.Store.Put(ctx, x.record, x.prev); err != nil {
			return record.Stored{}, err
		}
	}
	return l.Store.Get(ctx, k)
}

func (l *laggingStore) lag(ctx context.Context, r record.Stored, prev uint64) error {
	if c := l.r.w.store.cells[r.Key]; c != nil && c.record.Revision != prev {
		return record.ErrConflict
	}
	if !l.r.dead {
		l.later[r.Key] = delayedWrite{r, prev}
		l.r.w.after(restCheck/5, func() {
			if x, waits := l.later[r.Key]; waits && !l.r.dead && x.record.Revision == r.Revision {
				delete(l.later, r.Key)
				_ = l.r.w.store.put(l.r, x.record, x.prev) // lost if another write was first
			}
		})
	}
	return ctx.Err()
}

// The engine ends a session because of a signal.
func TestFindsEndsBySignal(t *testing.T) {
	t.Parallel()
	mustBreak(t, "no session ends while its customer is in the conversation", endsOnSignal)
}

// The same after the end of the conversation. Still no read has shown it.
func TestFindsEndsWithoutARead(t *testing.T) {
	t.Parallel()
	mustBreak(t, "only a read ends a session", plantedBug{signal: func(r *replica, id string) {
		if c := r.w.genesys.find(id); c != nil && c.live("customer") == nil {
			endsOnSignal.signal(r, id)
		}
	}})
}

// endsOnSignal ends the open session of a conversation that is signalled.
var endsOnSignal = plantedBug{signal: func(r *replica, id string) { //nolint:gochecknoglobals // a constant
	for _, k := range r.w.store.order {
		c := r.w.store.cells[k]
		var top, now members
		if id == "" || c.view == nil || c.record.ConversationID != id || !c.view.Now.agents() ||
			json.Unmarshal(c.record.Data, &top) != nil || json.Unmarshal(top["now"], &now) != nil {
			continue
		}
		now["state"] = json.RawMessage(asJSON(machine.StateEnded))
		now["ending"] = json.RawMessage(asJSON(machine.Ending{Reason: machine.EndByAgent, Time: machine.TimeOf(r.clock())}))
		top["now"] = json.RawMessage(asJSON(now))
		rec := c.record
		rec.Data, rec.Revision = []byte(asJSON(top)), rec.Revision+1
		_ = r.w.store.put(r, rec, c.record.Revision) // it cannot conflict
	}
}}

// changesReads is a bug in how the engine reads a conversation: it changes the legs.
func changesReads(bug func(legs []members)) plantedBug {
	return plantedBug{calls: func(t http.RoundTripper, _ *replica) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := t.RoundTrip(req)
			var top members
			var legs []members
			if err != nil || req.Method != http.MethodGet || json.NewDecoder(resp.Body).Decode(&top) != nil {
				return resp, err
			}
			if json.Unmarshal(top["participants"], &legs) == nil {
				bug(legs)
				top["participants"] = json.RawMessage(asJSON(legs))
			}
			return answer(resp.StatusCode, asJSON(top)), nil
		})
	}}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func hasString(m members, name, value string) bool { return string(m[name]) == asJSON(value) }

// customerGone disconnects the legs of the customer.
func customerGone(legs []members) {
	for _, l := range legs {
		if hasString(l, "purpose", "customer") {
			l["state"], l["endTime"] = json.RawMessage(`"disconnected"`), json.RawMessage(`"2100-02-01T00:00:00.000Z"`)
		}
	}
}

// The engine takes the end of an agent's leg for the end of the conversation.
func TestFindsAgentLeavingTakenForTheEnd(t *testing.T) {
	t.Parallel()
	mustBreak(t, "no session ends while its customer is in the conversation", changesReads(func(legs []members) {
		left := false
		for _, l := range legs {
			if hasString(l, "purpose", "agent") {
				left = hasString(l, "state", "disconnected")
			}
		}
		if left {
			customerGone(legs)
		}
	}))
}

// The engine takes a parked conversation for an ended one.
func TestFindsParkedTakenForTheEnd(t *testing.T) {
	t.Parallel()
	mustBreak(t, "no session ends while its customer is in the conversation", changesReads(func(legs []members) {
		for _, l := range legs {
			if hasString(l, "state", "parked") {
				customerGone(legs)
			}
		}
	}))
}

// The engine takes an alerted agent for a connected one.
func TestFindsRingingTakenForConnected(t *testing.T) {
	t.Parallel()
	mustBreak(t, "only who was there has joined", changesReads(func(legs []members) {
		for _, l := range legs {
			if hasString(l, "state", "alerting") {
				l["state"], l["connectedTime"] = json.RawMessage(`"connected"`), l["startTime"]
			}
		}
	}))
}

// The engine takes a supervisor for an agent.
func TestFindsSupervisorsTakenForAgents(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "only who was there has joined", changesReads(func(legs []members) {
		for _, l := range legs {
			delete(l, "monitoredParticipantId")
		}
	}), func(p *plan) bool { return p.habits[habitMonitor] > 0 && p.duration > 3*time.Minute })
}

// The engine takes a connected agent for an alerted one.
func TestFindsAgentsWhoAreNotSeen(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "an agent who is there is seen", changesReads(hideAgents), func(p *plan) bool { return p.remoteEnd && len(p.sources) == 0 })
}

// The same with the timer NoAgent.
func TestFindsNoAgentTimersWithoutARead(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "no session ends for want of an agent who is there", changesReads(hideAgents), func(p *plan) bool { return p.timers.NoAgent > 0 })
}

func hideAgents(legs []members) {
	for _, l := range legs {
		if hasString(l, "purpose", "agent") && hasString(l, "state", "connected") {
			l["state"] = json.RawMessage(`"alerting"`)
			delete(l, "connectedTime")
		}
	}
}

// The engine stops to poll after the first signal, and misses an end that is not signalled.
func TestFindsPollsThatStopAfterASignal(t *testing.T) {
	t.Parallel()
	signalled := func(p *plan) bool { return p.remoteEnd && len(p.sources) > 0 && p.sources[0].lossRate < 1 }
	mustBreakWhere(t, "no session is open after the end of its conversation", editsRecord(func(top members) time.Time {
		var now members
		var v view
		if json.Unmarshal([]byte(asJSON(top)), &v) != nil || !v.Now.agents() || json.Unmarshal(top["now"], &now) != nil {
			return time.Time{}
		}
		_, sends := v.head()
		idle := !sends && len(v.In.Entries) == 0 && v.Control.Lease.Owner == ""
		if now["signalled"] == nil || string(now["poll"]) != "true" || !idle || v.Now.State == machine.StateEnding {
			return time.Time{}
		}
		later := v.Now.PollAt.AddDate(1, 0, 0)
		now["pollAt"] = json.RawMessage(asJSON(machine.TimeOf(later)))
		top["now"] = json.RawMessage(asJSON(now))
		return later
	}), signalled)
}

// editsRecord is a bug in what is written. It may return another time to wake.
func editsRecord(bug func(top members) time.Time) plantedBug {
	return plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onPut: func(ctx context.Context, r record.Stored, prev uint64) error {
			var top members
			if err := json.Unmarshal(r.Data, &top); err != nil {
				return errors.Join(errStore, err)
			}
			if at := bug(top); !at.IsZero() {
				r.WakeAt = at
			}
			r.Data = []byte(asJSON(top))
			return s.Put(ctx, r, prev)
		}}
	}}
}

// The engine notifies of an agent after the first message.
func TestFindsMessagesBeforeTheAgentJoined(t *testing.T) {
	t.Parallel()
	mustBreak(t, "an agent joins before the first message", editsHostLane(func(list []members) []members {
		for i, x := range list {
			if x["notice"] != nil && i+1 < len(list) && list[i+1]["delivery"] != nil {
				list[i], list[i+1] = list[i+1], x
			}
		}
		return list
	}))
}

// The engine sends the last notice first.
func TestFindsNoticesInTheWrongOrder(t *testing.T) {
	t.Parallel()
	mustBreak(t, "notices are in the order of the steps", editsHostLane(func(list []members) []members {
		if n := len(list); n > 1 && list[n-1]["notice"] != nil && list[n-2]["notice"] != nil {
			list[n-1], list[n-2] = list[n-2], list[n-1]
		}
		return list
	}))
}

// The engine confuses the notices of two steps.
func TestFindsSwappedNotices(t *testing.T) {
	t.Parallel()
	mustBreak(t, "notices are consistent", editsHostLane(func(list []members) []members {
		if n := len(list); n > 1 && list[n-1]["notice"] != nil && list[n-2]["notice"] != nil {
			a, b := list[n-1], list[n-2]
			a["notice"], b["notice"] = b["notice"], a["notice"]
		}
		return list
	}))
}

// The engine notifies of an end twice.
func TestFindsEndsThatAreNotifiedTwice(t *testing.T) {
	t.Parallel()
	mustBreak(t, "notices are consistent", editsHostLane(func(list []members) []members {
		const copies = 1_000_000
		for _, x := range list {
			var n record.Notice
			seq, _ := strconv.ParseUint(string(x["seq"]), 10, 64) // it is a number
			if x["notice"] == nil || json.Unmarshal(x["notice"], &n) != nil || n.Kind != machine.NoticeEnded || seq > copies {
				continue
			}
			again := maps.Clone(x)
			again["seq"] = json.RawMessage(strconv.FormatUint(seq+copies, 10))
			if !slices.ContainsFunc(list, func(x members) bool { return string(x["seq"]) == string(again["seq"]) }) {
				return append(list, again)
			}
		}
		return list
	}))
}

// editsHostLane is a bug in how the lane to the host is written.
func editsHostLane(bug func(list []members) []members) plantedBug {
	return editsRecord(func(top members) time.Time {
		var in members
		var list []members
		if json.Unmarshal(top["in"], &in) != nil || json.Unmarshal(in["entries"], &list) != nil || len(list) == 0 {
			return time.Time{}
		}
		in["entries"] = json.RawMessage(asJSON(bug(list)))
		top["in"] = json.RawMessage(asJSON(in))
		return time.Time{}
	})
}

// canRepairGaps selects the plans in which webhooks are lost and their messages can be fetched.
func canRepairGaps(p *plan) bool {
	return p.any(faultOutage, faultWebhookLost) && p.foreignIDs == "" && !p.has(faultNoMessageView) && !p.has(faultFetch)
}

// editsHostEntries is editsHostLane for one replica.
func editsHostEntries(bug func(r *replica, list []members) []members) plantedBug {
	return plantedBug{store: func(s engine.Store, r *replica) engine.Store {
		return editsHostLane(func(list []members) []members { return bug(r, list) }).store(s, r)
	}}
}

// The engine drops a fetched message.
func TestFindsFetchedMessagesThatAreDropped(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "what no webhook brings is fetched or reported", editsHostEntries(func(r *replica, list []members) []members {
		return slices.DeleteFunc(list, func(x members) bool {
			var d viewDelivery
			if json.Unmarshal(x["delivery"], &d) != nil {
				return false
			}
			m := r.w.ledger.outboundByText[d.Message.Text]
			_, fetched := m.fetchedAt[r]
			return fetched && m.storedAs == ""
		})
	}), canRepairGaps)
}

// The engine forgets what it has fetched, and delivers it again when its webhook arrives.
func TestFindsFetchedMessagesThatAreTakenTwice(t *testing.T) {
	t.Parallel()
	const markSize, missed = 12, 3
	mustBreakWhere(t, "a message of an agent is delivered once", plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onGet: func(r record.Stored) record.Stored {
			var top members
			var heard []byte
			if json.Unmarshal(r.Data, &top) != nil || json.Unmarshal(top["heard"], &heard) != nil {
				return r
			}
			var kept []byte
			for mark := range slices.Chunk(heard, markSize) {
				if mark[markSize-1]&0x3 != missed {
					kept = append(kept, mark...)
				}
			}
			top["heard"] = json.RawMessage(asJSON(kept))
			r.Data = []byte(asJSON(top))
			return r
		}}
	}}, canRepairGaps)
}

// The engine does not report missing messages.
func TestFindsGapsThatAreNotReported(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "what no webhook brings is fetched or reported", editsHostEntries(func(_ *replica, list []members) []members {
		return slices.DeleteFunc(list, func(x members) bool { return strings.Contains(string(x["notice"]), `"kind":"gap"`) })
	}), func(p *plan) bool {
		return p.any(faultOutage, faultWebhookLost) && p.has(faultNoMessageView) && p.foreignIDs == ""
	})
}

// The engine skips messages after a failed request for them.
func TestFindsGapsThatAreSkipped(t *testing.T) {
	t.Parallel()
	failed := map[*replica]bool{}
	bug := plantedBug{
		calls: func(next http.RoundTripper, r *replica) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if strings.HasSuffix(req.URL.Path, "/messages/bulk") {
					failed[r] = err != nil || resp.StatusCode != http.StatusOK
				}
				return resp, err
			})
		},
		store: func(s engine.Store, r *replica) engine.Store {
			return &brokenStore{Store: s, onPut: func(ctx context.Context, x record.Stored, prev uint64) error {
				var top, now members
				if err := json.Unmarshal(x.Data, &top); err != nil {
					return errors.Join(errStore, err)
				}
				if failed[r] && json.Unmarshal(top["now"], &now) == nil {
					now["checked"] = json.RawMessage(asJSON(machine.TimeOf(r.clock())))
					top["now"] = json.RawMessage(asJSON(now))
					x.Data = []byte(asJSON(top))
				}
				return s.Put(ctx, x, prev)
			}}
		},
	}
	mustBreakWhere(t, "what no webhook brings is fetched or reported", bug, func(p *plan) bool {
		return p.any(faultOutage, faultWebhookLost) && p.has(faultFetch) && p.foreignIDs == ""
	})
}

// The engine returns a conversation before the messages that its last read listed.
func TestFindsReturnsBeforeTheLastMessages(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "a Return follows the messages that the read before it lists", editsHostEntries(func(_ *replica, list []members) []members {
		back := func(x members) int {
			if hasString(x, "kind", "return") {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(list, func(a, b members) int { return back(a) - back(b) })
		return list
	}), func(p *plan) bool { return canRepairGaps(p) && len(p.rates) < 7 }, faultWebhookLost)
}

// The engine takes a socket that another replica holds for dead.
func TestFindsSocketsThatAreTakenForDead(t *testing.T) {
	t.Parallel()
	asked := 0
	mustBreakWhere(t, "only a source that is gone is lost", plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onGet: func(r record.Stored) record.Stored {
			if asked++; record.IsReserved(r.Key) && asked%20 == 0 {
				r.Data = []byte(`{"format":1,"owner":"another","until":` + asJSON(epoch.Add(-time.Hour)) + `}`)
			}
			return r
		}}
	}}, func(p *plan) bool { return p.socket == socketAlive && len(p.sources) > 0 })
}

// The engine stops watching a conversation while messages of it are missing.
func TestFindsWatchedConversationsThatAreDropped(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "what no webhook brings is fetched or reported", editsRecord(func(top members) time.Time {
		var list []members
		if json.Unmarshal(top["watched"], &list) != nil {
			return time.Time{}
		}
		list = slices.DeleteFunc(list, func(w members) bool { return string(w["repair"]) == "true" })
		top["watched"] = json.RawMessage(asJSON(list))
		return time.Time{}
	}), canRepairGaps)
}

// The engine puts a word into its session and into a Return.
func TestFindsWordsThatAreReleasedTwice(t *testing.T) {
	t.Parallel()
	mustBreak(t, "a message is in one place", editsRecord(func(top members) time.Time {
		var list []members
		if json.Unmarshal(top["words"], &list) != nil || len(list) == 0 || hasString(list[0], "handover", "") || list[0]["handover"] != nil {
			return time.Time{}
		}
		again := maps.Clone(list[0])
		again["seq"] = json.RawMessage(string(again["seq"]) + "000000")
		top["words"] = json.RawMessage(asJSON(append(list, again)))
		return time.Time{}
	}))
}

// The Return contains messages that arrive while an attempt runs.
func TestFindsReturnsThatAreNotFrozen(t *testing.T) {
	t.Parallel()
	mustBreakWhere(t, "a Return always holds the same", editsRecord(func(top members) time.Time {
		var list []members
		if json.Unmarshal(top["words"], &list) != nil || len(list) == 0 || list[0]["return"] == nil {
			return time.Time{}
		}
		for _, w := range list {
			w["return"] = list[0]["return"]
		}
		top["words"] = json.RawMessage(asJSON(list))
		return time.Time{}
	}), func(p *plan) bool { return p.duration > 3*time.Minute }, faultHost, faultSlowHost)
}

// The engine takes an old read for a new one before it disconnects a conversation.
func TestFindsDisconnectsWithoutARead(t *testing.T) {
	t.Parallel()
	mustBreak(t, "no conversation is disconnected without a read", plantedBug{calls: func(next http.RoundTripper, r *replica) http.RoundTripper {
		type copied struct {
			status int
			body   []byte
			at     time.Duration
		}
		old := map[string]copied{}
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			path := req.URL.Path
			if c, is := old[path]; is && req.Method == http.MethodGet && r.w.now-c.at < 2*time.Minute {
				return answer(c.status, string(c.body)), nil
			}
			resp, err := next.RoundTrip(req)
			if err != nil || req.Method != http.MethodGet || resp.StatusCode != http.StatusOK {
				return resp, err
			}
			body, err := io.ReadAll(resp.Body)
			old[path] = copied{resp.StatusCode, body, r.w.now}
			return answer(resp.StatusCode, string(body)), err
		})
	}})
}

// The engine opens a conversation while the one before is not closed.
func TestFindsOpeningsThatDoNotWait(t *testing.T) {
	t.Parallel()
	mustBreak(t, "an opening waits for what is closed", plantedBug{store: func(s engine.Store, _ *replica) engine.Store {
		return &brokenStore{Store: s, onGet: func(r record.Stored) record.Stored {
			var top, now members
			if json.Unmarshal(r.Data, &top) != nil || json.Unmarshal(top["now"], &now) != nil || now["tried"] != nil {
				return r
			}
			now["started"] = json.RawMessage(asJSON(machine.TimeOf(epoch.Add(-time.Hour))))
			top["now"] = json.RawMessage(asJSON(now))
			r.Data = []byte(asJSON(top))
			return r
		}}
	}})
}

// The engine keeps a Return when an agent session begins, and begins it.
func TestFindsReturnsDuringAnAgentSession(t *testing.T) {
	t.Parallel()
	mustBreak(t, "no Return begins during an agent session", plantedBug{store: func(s engine.Store, r *replica) engine.Store {
		return &brokenStore{Store: s, onPut: func(ctx context.Context, x record.Stored, prev uint64) error {
			var top, in, was members
			var v view
			cell := r.w.store.cells[x.Key]
			if json.Unmarshal(x.Data, &top) != nil || json.Unmarshal(x.Data, &v) != nil || cell == nil || cell.view == nil || !v.Now.agents() {
				return s.Put(ctx, x, prev)
			}
			old := cell.view.In
			if len(old.Entries) == 0 || old.Entries[0].Kind != "return" || old.Lease.Owner != "" || cell.record.Revision != prev ||
				json.Unmarshal(top["in"], &in) != nil {
				return s.Put(ctx, x, prev)
			}
			var before members
			if json.Unmarshal(cell.record.Data, &before) != nil || json.Unmarshal(before["in"], &was) != nil {
				return s.Put(ctx, x, prev)
			}
			lease := members{}
			lease["owner"], lease["n"] = json.RawMessage(`"somebody"`), json.RawMessage(`1`)
			lease["seq"] = json.RawMessage(uitoa(old.Entries[0].Seq))
			lease["until"] = json.RawMessage(asJSON(machine.TimeOf(r.clock().Add(15 * time.Second))))
			in["entries"], in["lease"] = was["entries"], json.RawMessage(asJSON(lease))
			top["in"] = json.RawMessage(asJSON(in))
			x.Data = []byte(asJSON(top))
			return s.Put(ctx, x, prev)
		}}
	}})
}

// The engine leaves a word with a session that is over.
func TestFindsWordsOfTwoSessions(t *testing.T) {
	t.Parallel()
	mustBreak(t, "a word is for the open session", editsRecord(func(top members) time.Time {
		var list, past []members
		if json.Unmarshal(top["words"], &list) != nil || json.Unmarshal(top["past"], &past) != nil || len(list) == 0 || len(past) == 0 {
			return time.Time{}
		}
		var s members
		if json.Unmarshal(past[0]["session"], &s) == nil && list[0]["handover"] != nil {
			list[0]["handover"] = s["id"]
		}
		top["words"] = json.RawMessage(asJSON(list))
		return time.Time{}
	}))
}
