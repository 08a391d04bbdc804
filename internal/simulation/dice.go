package simulation

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"
)

// dice is one stream of chance. Each purpose has its own, so that one customer less changes little for the others.
type dice struct{ *rand.Rand }

func newDice(seed uint64, purpose string) dice {
	return dice{rand.New(newSource(seed, purpose))} //nolint:gosec // repeatable on purpose
}

func newSource(seed uint64, purpose string) rand.Source {
	h := fnv.New64a()
	_, _ = io.WriteString(h, purpose)
	return rand.NewPCG(seed, h.Sum64())
}

func (d dice) chance(p float64) bool { return p > 0 && d.Float64() < p }

func (d dice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Int64N(int64(most-least)+1))
}

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }
