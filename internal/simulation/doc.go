// Package simulation runs the engine of handover against everything that can go wrong, and repeats any history exactly.
//
// One seed decides all: how many replicas, customers and agents there are, what they do and when, what fails, and in which
// order tasks go on. Replicas, customers and Genesys are tasks of one scheduler with virtual time: exactly one of them runs, and
// each may lose its turn at every call of the store, of Genesys and of the host, and wherever the engine waits. So the same
// seed is the same history, and a failing one can be shrunk and read.
//
// The engine is the real one, with the real client of package genesys; it reaches clock, chance and scheduling through
// internal/door. Store, Genesys and host are models: small, and wrong in all the ways theirs may be. What must hold is checked
// after every write and at the end, when everything has been healed: see the files invariants*.go.
//
//	go test ./internal/simulation -run TestSimulation -seeds 1 -seed 42
package simulation
