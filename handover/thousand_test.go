//go:build !race

package handover_test

// thousand is how many sessions are open at once.
const thousand = 1000
