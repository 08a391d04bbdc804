package notifications

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

// A Kind is what an [Event] is about: a small set, fit for the label of a metric.
type Kind string

// The kinds.
const (
	Owned      Kind = "owned"      // this replica holds the channel from now on
	Disowned   Kind = "disowned"   // no longer: Err says why
	Created    Kind = "created"    // a channel was made; more than one in days means that something is wrong
	Connected  Kind = "connected"  // the socket is open
	Lost       Kind = "lost"       // the socket is gone or about to be: Err says why, Lived how long it was there
	Rejected   Kind = "rejected"   // Genesys refuses Topic: see Permissions
	Permitted  Kind = "permitted"  // Genesys takes Topic, which it had rejected
	Renewed    Kind = "renewed"    // the channel lives for another day
	Missed     Kind = "missed"     // changed is called with "": something may have been missed
	Unreadable Kind = "unreadable" // a message that is not JSON was ignored
	Failed     Kind = "failed"     // Err; it is tried again
)

// An Event is something worth counting. None of its fields holds content, a token or the address of the socket.
type Event struct {
	Kind        Kind
	Topic       Topic         // Rejected and Permitted: as it was given to New
	Permissions []string      // Rejected: what Genesys says is missing from the roles of the OAuth client
	Reason      string        // Rejected: Genesys' own words, if it gave any
	Lived       time.Duration // Lost: how long the socket was open
	Err         error         // Disowned, Lost, Failed: that every topic is rejected, too
}

// tell logs e and hands it to the observers.
func (l *Listener) tell(ctx context.Context, e Event) {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind))}
	if e.Topic != "" {
		attrs = append(attrs, slog.String("topic", e.Topic.shown()))
	}
	if len(e.Permissions) > 0 {
		attrs = append(attrs, slog.String("permissions", strings.Join(e.Permissions, ", ")))
	}
	if e.Lived > 0 {
		attrs = append(attrs, slog.Duration("lived", e.Lived))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	l.log.LogAttrs(ctx, e.Kind.level(), "genesys notifications", attrs...)
	for _, f := range l.observers {
		f(e)
	}
}

func (k Kind) level() slog.Level {
	switch k {
	case Rejected, Failed:
		return slog.LevelWarn
	case Missed, Renewed, Unreadable:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}
