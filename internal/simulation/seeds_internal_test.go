//go:build !race

package simulation

// defaultSeeds fit into a minute and a half on two cores.
const defaultSeeds = 1700
