package handover

import (
	"context"
	"iter"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// A Record is stored for one key: it has the fields with which the store finds it, and bytes in a
// format that only the Manager reads. [Seal] encrypts those bytes.
type Record struct {
	Key Key
	// Set by the Manager; fits int64; never repeats for a key, not even after a delete.
	Revision       uint64
	ConversationID string    // a hint for Find; may be empty
	WakeAt         time.Time // UTC, in whole microseconds; zero: the record is never due
	Data           []byte    // may contain any byte
}

// A Store keeps one record per key. Package storetest tests the contract.
//
// All methods are safe for concurrent use by several goroutines and processes, and copy the Data
// that they accept and return. In Find, Due and All an empty channel means every channel; channels
// are compared byte by byte.
//
// Get, Find, Due and All may return a stale record, because Put and Delete compare revisions. Read
// from the primary nevertheless: with a stale record, Turn may answer that the bot has the turn,
// Reply may drop the bot's answer although a Return has passed the message to the bot, and End and
// Forget may find nothing to do. Get must not return data that is less durable than a successful
// Put makes it: after a Put with an unknown outcome, the Manager treats the data that Get returns
// as stored.
//
// The interface is complete. A later release adds a separate optional interface instead of a method
// here.
type Store interface {
	// Get returns the record of k, or ErrNotFound.
	Get(ctx context.Context, k Key) (Record, error)
	// Find returns a record of the channel with conversationID as stored by its last Put, or
	// ErrNotFound. It may miss a record. If several records match, it returns any of them. An empty
	// conversationID matches none.
	Find(ctx context.Context, channel, conversationID string) (Record, error)
	// Put stores r if the stored revision is prev, or if prev is 0 and there is no record. It
	// returns ErrConflict only if it certainly stored nothing. After any other error the outcome is
	// unknown.
	Put(ctx context.Context, r Record, prev uint64) error
	// Delete removes the record of k if its revision is prev; otherwise it returns ErrConflict. It
	// returns nil if there is no record.
	Delete(ctx context.Context, k Key, prev uint64) error
	// Due returns the records that q selects. A record may be claimed by another process at the
	// same time, so the result is only a hint.
	Due(ctx context.Context, q DueQuery) ([]Record, error)
	// All ranges over the records of the channel in the order of their keys: by channel, then by
	// customer, compared byte by byte. It ends after the first error.
	All(ctx context.Context, channel string) iter.Seq2[Record, error]
}

// A DueQuery selects records with 0 < WakeAt <= Now, ordered by WakeAt, then by Key (channel, then
// customer, compared byte by byte). Later releases may add fields; their zero value changes
// nothing.
type DueQuery struct {
	Channel string    // empty: every channel
	Now     time.Time // records that wake later are not returned
	After   DueCursor // only records behind this place in the order; zero: from the beginning
	Limit   int       // the maximum number of records; 0 or less: none
}

// A DueCursor is a place in the order of Due: that of a record with this WakeAt and Key. The record
// itself may have been removed. To read the next page, set After to the place of the last record of
// the previous page.
type DueCursor struct {
	WakeAt time.Time
	Key    Key
}

// Errors that callers can test for with errors.Is.
var (
	ErrNotFound  = record.ErrNotFound
	ErrConflict  = record.ErrConflict // the stored record has another revision
	ErrBacklog   = record.ErrBacklog  // too many messages wait for Genesys
	ErrBusy      = record.ErrBusy     // too many writers of one customer, try again
	ErrNoChannel = webhook.ErrNoChannel
	ErrNoQueue   = record.ErrNoQueue

	// ErrInvalid is every mistake of the caller that a retry cannot fix: a bad key, message,
	// request, reason or configuration. The text names the field, the limit and the fix. An error
	// may be ErrInvalid and a more specific one, such as ErrNoQueue.
	ErrInvalid = machine.ErrInvalid
)

func (c DueCursor) compare(o DueCursor) int {
	return c.internal().Compare(o.internal())
}
