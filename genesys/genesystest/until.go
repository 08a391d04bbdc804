package genesystest

import (
	"context"
	"fmt"
	"time"
)

// Until lets time pass until ok holds; the test fails when a day is not enough or its context ends. In a synctest bubble a
// day is short: time jumps whenever everybody waits. ok is asked first at once, then every 10 ms, and after 10 s in steps
// of a thousandth of the time passed.
func Until(tb TB, ok func() bool) {
	tb.Helper()
	if err := await(tb.Context(), 24*time.Hour, ok); err != nil {
		tb.Fatalf("genesystest: waited in vain: %v", err)
	}
}

// Await lets time pass until ok holds or ctx ends, with the cause of that: Until for programs. It asks as often as Until.
func (o *Org) Await(ctx context.Context, ok func() bool) error { return await(ctx, 0, ok) }

func await(ctx context.Context, limit time.Duration, ok func() bool) error {
	began := time.Now()
	for !ok() {
		passed := time.Since(began)
		if limit > 0 && passed >= limit {
			return fmt.Errorf("the condition did not hold within %v", limit)
		}
		if !pause(ctx.Done(), max(10*time.Millisecond, passed/1000)) {
			return context.Cause(ctx)
		}
	}
	return nil
}
