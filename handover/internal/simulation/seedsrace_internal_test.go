//go:build race

package simulation

const raceDetector = true

// defaultSeeds are fewer with the race detector, which makes everything slower and keeps 60 MB for
// each history.
const defaultSeeds = 40
