// Package machine is one handover: its state, the events that change it, the notices that follow,
// and its timers.
//
// [Apply] is pure: its arguments are a [Handover], an event and the time, and it returns the next
// Handover with the effects of the change. It has no clock and does no I/O, and it never changes
// its argument. A signal never ends a session that can be read; only an event with a read does. The
// types of a session that other packages share are defined here, too.
//
// It imports package genesys, for the result of a read, and no other package of handover.
package machine
