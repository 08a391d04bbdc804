package handover

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/genesyshandover/genesyshandover/webhook"
)

// A Record is what a store keeps of one key: what it needs to find it, and bytes that are the Manager's business.
// So a store knows no format, and a wrapper that encrypts Data is all of encryption at rest.
type Record struct {
	Key            Key
	Revision       uint64    // set by the Manager, fits int64, never repeated, also not after a delete
	ConversationID string    // a hint for Find; may be empty
	WakeAt         time.Time // UTC, whole microseconds; zero: nothing to do
	Data           []byte    // may contain any byte
}

// A Store keeps one record a key. Its methods are safe for concurrent use, also from several processes, and copy what they
// take and give. Get, Find, Due and All may be stale; Put and Delete compare, so they decide. Read from where writes go all the
// same: who reads an old record may see the bot's turn, and nothing to end or to forget. And Get must give nothing that a failed
// Put has not made as safe as a successful one would: after a Put of unknown outcome the Manager takes what it reads for stored.
type Store interface {
	// Get returns the record of k, or ErrNotFound.
	Get(ctx context.Context, k Key) (Record, error)
	// Find returns a record that was last put with conversationID. It may miss: ErrNotFound.
	Find(ctx context.Context, conversationID string) (Record, error)
	// Put stores r if the stored revision is prev; prev 0: if there is none. ErrConflict says that it certainly did not;
	// after any other error the outcome is unknown.
	Put(ctx context.Context, r Record, prev uint64) error
	// Delete removes the record if its revision is prev, else ErrConflict. An absent record is no error.
	Delete(ctx context.Context, k Key, prev uint64) error
	// Due returns at most limit records with 0 < WakeAt <= now, oldest first: a hint, never a claim.
	Due(ctx context.Context, now time.Time, limit int) ([]Record, error)
	// All ranges over the records of a channel; empty: of every channel. They come by channel, then by customer, compared byte
	// by byte. It ends after the first error.
	All(ctx context.Context, channel string) iter.Seq2[Record, error]
}

// The errors of this package, for errors.Is.
var (
	ErrNotFound  = errors.New("handover: not found")
	ErrConflict  = errors.New("handover: stored meanwhile by another")
	ErrBacklog   = errors.New("handover: too much is waiting for Genesys")
	ErrBusy      = errors.New("handover: too many writers of one customer, try again")
	ErrNoChannel = webhook.ErrNoChannel
	ErrNoQueue   = errors.New("handover: no such queue")
)
