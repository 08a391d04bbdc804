package redisstore

import (
	"errors"
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
)

// The keys of a store. All have the same hash tag, the part in braces, so that they lie in one slot of a cluster.
type keys struct {
	records       string // + member: hash of rev, conv, wake, data and, while replicas lag, unsure
	all           string // sorted set of members, all with score 0: it is ordered by their bytes
	wake          string // sorted set of members that have to wake, by µs since 1970: exact up to 2^53, the year 2255
	conversations string // hash: conversation id → member that was last put with it
	fence         string // number, raised where WAIT needs a write to wait for
}

func keysOf(prefix string) keys { return keysUnder("{" + prefix + "}:") }

func keysUnder(base string) keys {
	return keys{
		records: base + "record:", all: base + "all", wake: base + "wake",
		conversations: base + "conversations", fence: base + "fence",
	}
}

func (k keys) record(member string) string { return k.records + member }

// A member is a key in one string. No part of a key has a NUL, and a NUL sorts before all that a part may have: the bytes of
// members are in the order of (channel, customer), and a channel is one range of them.
const separator = "\x00"

func member(k handover.Key) (string, error) {
	if strings.Contains(k.Channel, separator) {
		return "", errors.New("redisstore: Key.Channel contains a NUL: remove it")
	}
	return k.Channel + separator + k.Customer, nil
}

func keyOf(member string) (handover.Key, error) {
	channel, customer, ok := strings.Cut(member, separator)
	if !ok {
		return handover.Key{}, errors.New("a member of an index is no key: something else writes under the prefix of the store")
	}
	return handover.Key{Channel: channel, Customer: customer}, nil
}

// lexRange is the range of the members of a channel, as ZRANGE BYLEX wants it; empty: of every channel.
func lexRange(channel string) (from, to string) {
	if channel == "" {
		return "-", "+"
	}
	return "[" + channel + separator, "(" + channel + "\x01"
}
