// Package record is what is stored of one customer, and every change of it.
//
// A [Record] has the current handover, the ledger of the customer's words, the watched conversations, the lane of deliveries to the
// host, the memory of ids, and a log without content. A [Transaction] changes it at one time. It may run several times before it is
// stored, so it is idempotent by id and changes nothing outside of the record. The tasks that follow from a record, when it has to be
// looked at next, and the story that Explain shows are functions of the record.
//
// Promises: nothing is in two lists, so nothing can be lost between them; a record with work is leased or due; what a later
// release adds survives a rewrite; no error holds content. The package is pure: no clock, no I/O. It imports machine, genesys and
// openmessaging.
package record
