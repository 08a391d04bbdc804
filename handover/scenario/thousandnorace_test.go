//go:build !race

package scenario_test

// thousand is how many sessions are open at once.
const thousand = 1000
