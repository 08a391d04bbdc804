//go:build race

package scenario_test

// thousand is less under the race detector, which makes all of it ten times slower; polls fill their share all the same.
const thousand = 250
