//go:build !race

package simulation

const raceDetector = false

// defaultSeeds and the planted bugs take a minute on two cores. CI also runs more, see .ci/fuzz.
const defaultSeeds = 200
