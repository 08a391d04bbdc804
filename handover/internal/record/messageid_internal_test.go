package record

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// TestMessageIDVectors checks vectors that were made by hand: SHA-256 over each part, preceded by
// its length as 4 bytes big-endian; 32 hex digits of it.
func TestMessageIDVectors(t *testing.T) {
	t.Parallel()
	const integration = "00000000-0000-4000-8000-000000000001"
	for want, in := range map[string]struct {
		kind                        EntryKind
		integration, customer, host string
		part                        int
	}{
		"f93ab31e8a37feaf9e1912b72215bf2a": {KindMessage, integration, "customer", "1", 0},
		"362490487f4ff01478c87bda652a5ba5": {KindOpen, integration, "customer", "1", 0},
		"e307c77379aad060365322d72e7020fe": {KindMessage, integration, "customer", "1", 1},
		"4d9bc22bc11e20a8441d784d9a46a7ea": {KindReply, "i", "c", "h", 0},
		"e271d386d7b13573aa58bd8455736f14": {kindLeft, "i", "c", "abcdefghijk2", 0},
		"52ac5f62c43a337f943c0351f75076d3": {KindMessage, "i", "Zoë~", "ü", 12},
		"525f33f0aa9cd2598f013b8a3f8cc025": {KindMessage, "", "", "", 0},
	} {
		require.Equal(t, want, MessageID(in.kind, in.integration, in.customer, in.host, in.part, ""))
	}
}

func TestMessageIDPartsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, MessageID(KindMessage, "a", "bc", "d", 0, ""), MessageID(KindMessage, "ab", "c", "d", 0, ""))
	require.NotEqual(t, MessageID(KindMessage, "a", "b", "c1", 0, ""), MessageID(KindMessage, "a", "b", "c", 10, ""))
}

// TestMessageIDOfALaterSession checks that a message that was attempted in an earlier session gets
// another id in each session.
func TestMessageIDOfALaterSession(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, session := range []string{"", "abcdefghijk2", "bcdefghijkl3"} {
		id := MessageID(KindMessage, "i", "c", "h", 0, session)
		require.Len(t, id, 32)
		require.False(t, seen[id])
		require.Equal(t, id, MessageID(KindMessage, "i", "c", "h", 0, session))
		seen[id] = true
	}
}

func TestIdentityOfACustomer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		id, customer, handover string
		ok                     bool
	}{
		"plain":                     {"customer", "customer", "", false},
		"one of ours":               {"customer~abcdefghijk2", "customer", "abcdefghijk2", true},
		"split at the last":         {"a~b~abcdefghijk2", "a~b", "abcdefghijk2", true},
		"it looks like ours twice":  {"a~abcdefghijk2~bcdefghijkl3", "a~abcdefghijk2", "bcdefghijkl3", true},
		"the customer ends so":      {"a~~abcdefghijk2", "a~", "abcdefghijk2", true},
		"a tilde of the host's":     {"a~b", "a~b", "", false},
		"too short":                 {"a~abcdefghijk", "a~abcdefghijk", "", false},
		"too long":                  {"a~abcdefghijk22", "a~abcdefghijk22", "", false},
		"not our alphabet":          {"a~abcdefghijk1", "a~abcdefghijk1", "", false},
		"capitals":                  {"a~ABCDEFGHIJK2", "a~ABCDEFGHIJK2", "", false},
		"nobody":                    {"~abcdefghijk2", "~abcdefghijk2", "", false},
		"empty":                     {"", "", "", false},
		"the handover's id is last": {"abcdefghijk2~customer", "abcdefghijk2~customer", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			customer, handover, ok := SplitFrom(test.id)
			require.Equal(t, test.customer, customer)
			require.Equal(t, test.handover, handover)
			require.Equal(t, test.ok, ok)
			if ok {
				require.Equal(t, test.id, FromID(machine.IdentitySession, customer, handover))
			}
		})
	}
	require.Equal(t, "customer", FromID(machine.IdentityCustomer, "customer", "abcdefghijk2"))
	c := machinetest.HandoverIn(machine.StateQueued)
	c.From = "customer~abcdefghijk2"
	require.Equal(t, openmessaging.Customer{ID: "customer~abcdefghijk2", IDType: openmessaging.IDOpaque}, c.Sender())
}

func TestNewIDsAreHandoverIDs(t *testing.T) {
	t.Parallel()
	m := environment.New()
	seen := map[string]bool{}
	for range 1000 {
		id := m.NewID()
		require.True(t, isHandoverID(id), id)
		require.False(t, seen[id])
		seen[id] = true
	}
}
