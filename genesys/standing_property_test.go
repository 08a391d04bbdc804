package genesys_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// randomLegs returns participants with all fields of a read and random times.
func randomLegs(r *rand.Rand) []genesys.Participant {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	var list []genesys.Participant
	times := r.Perm(400)
	moment := func() int {
		s := times[0]
		times = times[1:]
		return s - 30 // a few from before the opening
	}
	for i := range 1 + r.IntN(8) {
		s := []int{moment(), moment(), moment()}
		slices.Sort(s)
		p := leg(pick("customer", "external", "agent", "agent", "user", "acd", "acd", "workflow", "ivr", "api", "robot-dog"),
			pick("alerting", "contacting", "connected", "connected", "parked", "disconnected", "disconnected", "terminated", "none", "", "odd"), 0, 0, 0,
			why(pick("", "client", "peer", "system", "endpoint", "transfer", "transfer.noanswer", "inactivity", "takeover", "odd")),
			in(pick("", "bot", "support", "vip")), user(pick("", "u1", "u2"), pick("", "Grace", "Lin")))
		p.ID = string(rune('a' + i))
		p.Start, p.Connected, p.End = at(0, s[0]), at(0, s[1]), at(0, s[2])
		if r.IntN(3) == 0 {
			p.Connected = time.Time{}
		}
		if p.Live() || r.IntN(9) == 0 {
			p.End = time.Time{}
		}
		p.Watching = p.IsAgent() && r.IntN(4) == 0
		p.WrapupRequired, p.WrapupDone = r.IntN(2) == 0, r.IntN(2) == 0
		list = append(list, p)
	}
	return list
}

// For every read: no end while the customer is live, no agent who has left, a customer who is alone
// only without agents, queues and flows, and no influence of watching participants, known legs or
// the order of the list.
func TestStandingProperties(t *testing.T) {
	t.Parallel()
	seen, alone := map[genesys.Phase]int{}, 0
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's chance
		list := randomLegs(r)
		since := []time.Time{{}, at(0, 0)}[seed%2]
		s := genesys.Conversation{Participants: list}.Standing(since)
		seen[s.Phase]++

		live := slices.ContainsFunc(list, func(p genesys.Participant) bool { return p.IsCustomer() && p.Live() })
		over := s.Phase == genesys.PhaseEnded || s.Phase == genesys.PhaseWrapup
		require.False(t, live && over, "seed %d: over under a live customer: %+v", seed, list)
		require.True(t, over || s.EndedBy == "" && s.Why == "" && s.EndedAt.IsZero(), "seed %d: %+v", seed, s)
		switch s.Phase {
		case genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseAlerting:
			require.True(t, s.Agent.IsAgent() && s.Agent.Live(), "seed %d: %+v", seed, s)
		case genesys.PhaseWrapup:
			require.True(t, s.Agent.IsAgent(), "seed %d: %+v", seed, s)
		default:
			require.Empty(t, s.Agent, "seed %d", seed)
		}

		serving := func(p genesys.Participant) bool { return p.Live() && (p.IsAgent() || p.IsQueue() || p.IsFlow()) }
		if !s.AloneSince.IsZero() {
			alone++
			require.Equal(t, genesys.PhaseUnknown, s.Phase, "seed %d", seed)
			require.True(t, live && !slices.ContainsFunc(list, serving), "seed %d: not alone: %+v", seed, list)
			require.True(t, slices.ContainsFunc(list, func(p genesys.Participant) bool {
				return p.IsAgent() && !p.Live() && !p.Connected.IsZero() && !p.End.After(s.AloneSince)
			}), "seed %d: no agent left: %+v", seed, list)
		}

		c := genesys.Conversation{Participants: list}
		known := c.Standing(since, c.EndedLegs()...)
		require.NotContains(t, []genesys.Phase{genesys.PhaseEnded, genesys.PhaseWrapup}, known.Phase, "seed %d: known legs end it: %+v", seed, list)
		require.True(t, known.AloneSince.IsZero(), "seed %d", seed)
		if serves := slices.ContainsFunc(list, serving); serves && live {
			require.Equal(t, s.Phase, known.Phase, "seed %d: %+v", seed, list)
		}

		without := slices.DeleteFunc(slices.Clone(list), func(p genesys.Participant) bool { return p.Watching })
		require.Equal(t, s, genesys.Conversation{Participants: without}.Standing(since), "seed %d: watchers count", seed)
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		require.Equal(t, s, genesys.Conversation{Participants: list}.Standing(since), "seed %d: the order counts", seed)
	}
	require.Positive(t, alone)
	for _, p := range []genesys.Phase{
		genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting,
		genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup, genesys.PhaseEnded,
	} {
		require.Positive(t, seen[p], p)
	}
}
