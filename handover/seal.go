package handover

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// MinSealKey is the length in bytes that a key of [Seal] must have at least.
const MinSealKey = 16

// Seal returns a store that keeps in s what it is given, with Record.Data encrypted by AES-256-GCM.
// The other fields stay readable, because the store needs them: the channel, the customer's id, the
// conversation id, the revision and WakeAt.
//
// The first key encrypts; every key decrypts. Each is a random secret of 16 bytes or more. The AES
// key of a record is derived from the secret and the record's key with HKDF-SHA-256, so the number
// of writes has no limit. The record's key is also authenticated: Data that was copied from the
// record of another customer or channel is refused. An older Data of the same record is not
// detected.
//
// Get and Find return an error for Data that no key decrypts: it was encrypted with a key that is
// not among keys, was changed or copied, or was stored without Seal. Due returns such a record
// without Data, and All reports how many it skipped as its last error, so that one damaged record
// does not stop the work on the others. A Manager reports the record, leaves it alone for 10
// minutes and never overwrites it. Errors contain neither data nor keys.
//
// To replace a key while replicas run:
//
//  1. Start every replica with Seal(s, old, new): each can read the new key.
//  2. Start every replica with Seal(s, new, old): each writes the new key.
//  3. Range over All and Put each record with its Revision increased by 1 and the revision read as
//     prev. After ErrConflict there is nothing to do: a Manager has written the record in between,
//     with the new key.
//  4. Start every replica with Seal(s, new).
//
// A caller that does not do step 3 keeps the old key until every record written before step 2 has
// been removed.
//
// The returned store has every method of s that a Manager uses, including those of optional
// interfaces. Seal returns an error if s is nil, if there are no keys, or if a key is shorter than
// [MinSealKey].
func Seal(s Store, keys ...Secret) (Store, error) {
	if s == nil {
		return nil, errors.New("handover: Seal: the store is nil: pass the store whose records should be encrypted")
	}
	if len(keys) == 0 {
		return nil, errors.New("handover: Seal: there are no keys: pass at least one secret")
	}
	sealed := &sealedStore{Store: s}
	for i, k := range keys {
		if n := len(k.Reveal()); n < MinSealKey {
			return nil, fmt.Errorf("handover: Seal: key %d has %d bytes, the minimum is %d: generate a random secret, "+
				"for example with openssl rand -base64 32", i+1, n, MinSealKey)
		}
		made, err := newSealKey(k.Reveal())
		if err != nil {
			return nil, fmt.Errorf("handover: Seal: key %d: %w", i+1, err)
		}
		sealed.keys = append(sealed.keys, made)
	}
	return sealed, nil
}

// errSealed reports Data that no key decrypts.
var errSealed = fmt.Errorf("handover: Seal: Data cannot be decrypted: it was encrypted with a key that is not among the keys, "+
	"was changed, was copied from another record, or was stored without Seal: %w", record.ErrUnreadable)

// Sealed Data is a header, a nonce of 12 bytes, the ciphertext and a tag of 16 bytes. The header is
// the format and the id of the key.
const (
	sealFormat = 1
	sealHeader = 1 + sealID
	sealID     = 4
)

// A sealKey is one key of Seal.
type sealKey struct {
	id     []byte // finds the key of a record; two keys may have the same id
	secret []byte // from which the keys of records are derived
}

func newSealKey(secret string) (sealKey, error) {
	prk, err := hkdf.Extract(sha256.New, []byte(secret), nil)
	if err != nil {
		return sealKey{}, err
	}
	id, err := hkdf.Expand(sha256.New, prk, "genesyshandover seal key id", sealID)
	return sealKey{id: id, secret: prk}, err
}

// cipher returns the cipher of one record.
func (k sealKey) cipher(record Key) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.secret, "genesyshandover seal record "+string(sealedKey(record)), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealedKey encodes a key so that no two keys have the same bytes.
func sealedKey(k Key) []byte {
	b := binary.AppendUvarint(nil, uint64(len(k.Channel)))
	return append(append(b, k.Channel...), k.Customer...)
}

func (k sealKey) seal(r Record) ([]byte, error) {
	c, err := k.cipher(r.Key)
	if err != nil {
		return nil, err
	}
	header := append([]byte{sealFormat}, k.id...)
	return c.Seal(header, nil, r.Data, slices.Concat(header, sealedKey(r.Key))), nil //nolint:gosec // the cipher makes a random nonce
}

// A sealedStore is the store that Seal returns.
type sealedStore struct {
	Store

	keys []sealKey
}

// open decrypts Data with the key that it names.
func (s *sealedStore) open(r Record) (Record, error) {
	if len(r.Data) < sealHeader || r.Data[0] != sealFormat {
		return Record{}, errSealed
	}
	header, rest := r.Data[:sealHeader], r.Data[sealHeader:]
	for _, k := range s.keys {
		if string(header[1:]) != string(k.id) {
			continue
		}
		c, err := k.cipher(r.Key)
		if err != nil {
			return Record{}, fmt.Errorf("handover: Seal: %w", err)
		}
		if data, err := c.Open(nil, nil, rest, slices.Concat(header, sealedKey(r.Key))); err == nil {
			r.Data = data
			return r, nil
		}
	}
	return Record{}, errSealed
}

func (s *sealedStore) Get(ctx context.Context, k Key) (Record, error) {
	r, err := s.Store.Get(ctx, k)
	if err != nil {
		return Record{}, err
	}
	return s.open(r)
}

func (s *sealedStore) Find(ctx context.Context, channel, conversationID string) (Record, error) {
	r, err := s.Store.Find(ctx, channel, conversationID)
	if err != nil {
		return Record{}, err
	}
	return s.open(r)
}

func (s *sealedStore) Put(ctx context.Context, r Record, prev uint64) error {
	data, err := s.keys[0].seal(r)
	if err != nil {
		return fmt.Errorf("handover: Seal: %w", err)
	}
	r.Data = data
	return s.Store.Put(ctx, r, prev)
}

func (s *sealedStore) Due(ctx context.Context, q DueQuery) ([]Record, error) {
	due, err := s.Store.Due(ctx, q)
	if err != nil {
		return nil, err
	}
	for i, r := range due {
		opened, err := s.open(r)
		switch {
		case errors.Is(err, errSealed):
			due[i].Data = nil // the caller still sees that the record is due
		case err != nil:
			return nil, err
		default:
			due[i] = opened
		}
	}
	return due, nil
}

func (s *sealedStore) All(ctx context.Context, channel string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		skipped := 0
		for r, err := range s.Store.All(ctx, channel) {
			if err != nil {
				yield(Record{}, err)
				return
			}
			r, err = s.open(r)
			switch {
			case errors.Is(err, errSealed):
				skipped++
			case !yield(r, err) || err != nil:
				return
			}
		}
		if skipped > 0 {
			yield(Record{}, fmt.Errorf("handover: Seal: records that were skipped: %d: %w", skipped, errSealed))
		}
	}
}
