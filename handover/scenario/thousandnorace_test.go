//go:build !race

package scenario_test

// thousand is the number of open sessions.
const thousand = 1000
