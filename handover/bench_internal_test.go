package handover

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

func BenchmarkApply(b *testing.B) {
	for name, bench := range map[string]struct {
		state State
		event event
	}{
		"a read that moves nothing": {StateConnected, shows(genesys.PhaseConnected)},
		"a read that requeues":      {StateConnected, shows(genesys.PhaseQueued, inQueue("billing"))},
		"an agent's message":        {StateConnected, event{Kind: evAgentSpoke}},
		"the end":                   {StateConnected, shows(genesys.PhaseEnded)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c := coreIn(bench.state)
			for b.Loop() {
				next, _ := apply(c, bench.event, noon())
				if next.State == "" {
					b.Fatal("no state")
				}
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	f := fileIn(StateConnected)
	e := newEdit(f)
	for _, id := range []string{"a", "b", "c"} {
		say(b, e, id)
	}
	r, err := f.encode(recordKey(), 1)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.encode(recordKey(), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decode(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
