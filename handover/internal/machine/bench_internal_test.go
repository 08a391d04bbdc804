package machine

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/genesys"
)

func BenchmarkApply(b *testing.B) {
	for name, bench := range map[string]struct {
		state State
		event Event
	}{
		"a read that moves nothing": {StateConnected, shows(genesys.PhaseConnected)},
		"a read that requeues":      {StateConnected, shows(genesys.PhaseQueued, inQueue("billing"))},
		"an agent's message":        {StateConnected, Event{Kind: EvAgentWrote}},
		"the end":                   {StateConnected, shows(genesys.PhaseEnded)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c := handoverIn(bench.state)
			for b.Loop() {
				next, _ := Apply(c, bench.event, noon())
				if next.State == "" {
					b.Fatal("no state")
				}
			}
		})
	}
}
