// Package engine performs the work of records: it accepts calls, claims work by leases in the
// record, performs it, and settles the outcome.
//
// A change is stored before it takes effect, in one write with the lease of the work that it
// causes. Callbacks and requests run without a lock. An outcome is stored even if another process
// holds the lease, because the effect has happened. A panic of a callback, a store or the pure
// packages affects only its customer.
//
// It uses package environment for clock, randomness and scheduling, and imports the other packages
// below it, genesys and webhook. Package handover converts its types to the exported ones.
package engine
