//go:build race

package simulation

// defaultSeeds are fewer with the race detector, which makes everything slower.
const defaultSeeds = 40
