// Package record contains the stored state of one customer, and every change of it.
//
// A [Record] has the current handover, the ledger of the customer's words, the watched
// conversations, the lane of deliveries to the host, the memory of ids, and a log without content.
// A [Transaction] is one change of a record. It may run several times before it is stored, so it is
// idempotent by id and changes nothing outside of the record. Functions of the record return its
// tasks, the time when a replica has to work on it, and the text of Explain.
//
// Promises: no message is in two lists, so none can be lost between them; a record with work is
// leased or due; unknown fields of the next release survive a rewrite; no error contains content.
// The package is pure: no clock, no I/O. It imports environment, machine, genesys, openmessaging
// and webhook.
package record
