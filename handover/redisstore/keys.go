package redisstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
)

// keys are the keys of a store. All have the same hash tag, the part in braces, so that they are in
// one slot of a cluster.
type keys struct {
	records string // + member: hash of rev, conv, wake, data and, while replicas lag, unsure
	// Sorted set of members, all with score 0, so that it is ordered by their bytes.
	all string
	// Sorted set of entries of all channels, with score 0; with ":" and a channel, those of the
	// channel.
	due           string
	conversations string // + conversation id: set of the members that have it since their last Put
	fence         string // number, increased where WAIT needs a write to wait for
}

func keysOf(prefix string) keys { return keysUnder("{" + prefix + "}:") }

func keysUnder(base string) keys {
	return keys{
		records: base + "record:", all: base + "all", due: base + "due",
		conversations: base + "conversation:", fence: base + "fence",
	}
}

func (k keys) record(member string) string { return k.records + member }

// dueOf returns the key of the due records of a channel; empty: of every channel.
func (k keys) dueOf(channel string) string {
	if channel == "" {
		return k.due
	}
	return k.due + ":" + channel
}

// A member is a key in one string. No part of a key contains a NUL, and a NUL sorts before every
// other byte. So members are ordered by channel, then by customer, and those of a channel are one
// range.
const separator = "\x00"

func member(k handover.Key) (string, error) {
	if strings.Contains(k.Channel, separator) {
		return "", errors.New("redisstore: Key.Channel contains a NUL: use a channel id without control characters")
	}
	return k.Channel + separator + k.Customer, nil
}

var errForeign = errors.New("an index contains something that is not the key of a record: something else writes under the " +
	"prefix of the store: use another prefix")

func keyOf(member string) (handover.Key, error) {
	channel, customer, ok := strings.Cut(member, separator)
	if !ok {
		return handover.Key{}, errForeign
	}
	return handover.Key{Channel: channel, Customer: customer}, nil
}

// lexRange returns the range of the members of a channel for ZRANGE BYLEX; empty: of every channel.
func lexRange(channel string) (from, to string) {
	if channel == "" {
		return "-", "+"
	}
	return "[" + channel + separator, "(" + channel + "\x01"
}

// An entry of the due records is WakeAt in microseconds since 1970, with wakeDigits digits, a
// separator and the member: the order of its bytes is the order of Due. The scripts make the same
// entries.
const wakeDigits = 19

// memberOf returns the member of an entry.
func memberOf(entry string) (string, error) {
	if len(entry) <= wakeDigits || entry[wakeDigits:wakeDigits+1] != separator {
		return "", errForeign
	}
	return entry[wakeDigits+1:], nil
}

// dueRange returns the range of the entries that q asks for, for ZRANGE BYLEX; ok is false if there
// are none.
func dueRange(q handover.DueQuery) (from, to string, ok bool, err error) {
	now, at := q.Now.UnixMicro(), q.After.WakeAt.UnixMicro()
	if now <= 0 || q.Limit <= 0 {
		return "", "", false, nil
	}
	from, to = "-", fmt.Sprintf("[%0*d\x01", wakeDigits, now) // behind every entry with this WakeAt
	if at > 0 {
		m, err := member(q.After.Key)
		if err != nil {
			return "", "", false, fmt.Errorf("redisstore: due: DueQuery.After: %w", err)
		}
		from = fmt.Sprintf("(%0*d%s%s", wakeDigits, at, separator, m)
	}
	return from, to, true, nil
}
