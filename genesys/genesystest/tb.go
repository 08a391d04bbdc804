package genesystest

import (
	"context"
	"fmt"
)

// TB is the part of testing.TB that this package uses, so that programs which run the fake do not link package testing.
// *testing.T, *testing.B and *testing.F implement it.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// refuse notes a request that only a mistake explains. Call it without the lock.
func (o *Org) refuse(format string, args ...any) {
	text := fmt.Sprintf("genesystest: "+format, args...)
	o.mu.Lock()
	o.refusals = append(o.refusals, text)
	silent := o.tb == nil || o.opt.allowErrors || o.closed
	o.mu.Unlock()
	if !silent {
		o.tb.Errorf("%s", text)
	}
}

// Refusals lists, in words, the requests refused because of a mistake in the program: what fails a test of New unless
// AllowErrors. It is how programs of Start learn of them.
func (o *Org) Refusals() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.refusals...)
}
