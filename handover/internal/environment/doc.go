// Package environment holds what is not deterministic: the clock, randomness, blocking and the order in which tasks run.
//
// The engine takes all of these from an [Environment], so a simulation can replace them and hosts cannot. The package imports the
// standard library only.
package environment
