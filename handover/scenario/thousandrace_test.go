//go:build race

package scenario_test

// thousand is lower under the race detector, which is ten times slower. Polls still use their
// whole share.
const thousand = 250
