// Package engine performs what records ask for: it accepts calls, claims work by leases in the record, performs it, and settles the
// outcome.
//
// A change is stored before it takes effect, in one write with the lease of the work that it causes. Callbacks and requests run
// without a lock. An outcome is stored whichever process holds the lease by then, because the effect has happened. A panic of a
// callback, a store or the pure packages is contained to its customer.
//
// It takes clock, randomness and scheduling from package environment, and imports the other packages below it, genesys and webhook.
// Package handover converts its types to those that hosts see.
package engine
