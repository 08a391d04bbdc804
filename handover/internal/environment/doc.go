// Package environment contains everything that is not deterministic: the clock, randomness,
// blocking and the order in which tasks run.
//
// The engine uses an [Environment] for all of these, so a simulation can replace them and hosts
// cannot. The package imports the standard library only.
package environment
