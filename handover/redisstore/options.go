package redisstore

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// An Option changes what [New] makes.
type Option func(*Store) error

// DefaultPrefix is the prefix of a store that is given none.
const DefaultPrefix = "handover"

// The longest prefix, in bytes. Every key has it, every record is a key.
const maxPrefix = 64

// WithPrefix sets what the keys of the store begin with, in braces: {prefix}:wake and so on. Two stores with different
// prefixes have nothing in common. A prefix has 1 to 64 bytes of printable ASCII without space, braces and the characters
// *?[]^\ of a pattern.
func WithPrefix(prefix string) Option {
	return func(s *Store) error {
		bad := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`{}*?[]^\`, r) }
		switch {
		case prefix == "":
			return errors.New("redisstore: the prefix is empty: give one, or leave WithPrefix out")
		case len(prefix) > maxPrefix:
			return fmt.Errorf("redisstore: the prefix has %d bytes, the limit is %d: shorten it", len(prefix), maxPrefix)
		case strings.ContainsFunc(prefix, bad):
			return fmt.Errorf(`redisstore: the prefix %q has a space, one of {}*?[]^\ or a character that is not printable ASCII: `+
				`remove it`, prefix)
		}
		s.keys = keysOf(prefix)
		return nil
	}
}

// WithReplicas makes every write wait until n replicas have it (WAIT, https://redis.io/docs/latest/commands/wait/). If fewer
// acknowledge it within timeout, the write is an error, its outcome is unknown, and reads of that record are errors until the
// replicas have it: a webhook is then answered 503 and comes again. The timeout has to be shorter than the client's
// ReadTimeout (5 s unless set). Without this option, 0, a failover loses what the new primary had not received.
func WithReplicas(n int, timeout time.Duration) Option {
	return func(s *Store) error {
		switch {
		case n < 0:
			return fmt.Errorf("redisstore: WithReplicas of %d: give the number of replicas a write has to reach, 0 for none", n)
		case n > 0 && timeout < time.Millisecond:
			return fmt.Errorf("redisstore: WithReplicas with a timeout of %s: give at least 1ms, 1s for example", timeout)
		}
		s.replicas, s.timeout = n, timeout
		if n == 0 {
			s.timeout = 0
		}
		return nil
	}
}
