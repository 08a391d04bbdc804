package record

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

func BenchmarkRecord(b *testing.B) {
	f := recordIn(machine.StateConnected)
	tx := newTransaction(f)
	for _, id := range []string{"a", "b", "c"} {
		say(b, tx, id)
	}
	r, err := f.Encode(recordKey(), 1)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.Encode(recordKey(), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
