package notifications

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

// A Kind is the kind of an [Event]. The set is small, so a kind can be the label of a metric.
type Kind string

// These are the kinds of events.
const (
	Owned    Kind = "owned"    // this replica now holds the channel
	Disowned Kind = "disowned" // this replica no longer holds the channel; Err has the reason
	// A channel was made; more than one in days is a sign of a problem.
	Created   Kind = "created"
	Connected Kind = "connected" // the socket is open
	// The socket is closed or about to be; Err has the reason, Lived its age.
	Lost       Kind = "lost"
	Rejected   Kind = "rejected"   // Genesys rejects Topic; see Permissions
	Permitted  Kind = "permitted"  // Genesys accepts Topic after a rejection
	Renewed    Kind = "renewed"    // the life of the channel was extended by a day
	Missed     Kind = "missed"     // the callback is called with "": events may have been missed
	Unreadable Kind = "unreadable" // a message that is not JSON was ignored
	Failed     Kind = "failed"     // Err has the failure; it is retried
)

// An Event is a step of the listener, for logs and metrics. No field holds content, a token or
// the address of the socket.
type Event struct {
	Kind        Kind
	Topic       Topic         // Rejected and Permitted: the topic as passed to New
	Permissions []string      // Rejected: the missing permissions of the OAuth client's roles
	Reason      string        // Rejected: the text of Genesys, if any
	Lived       time.Duration // Lost: how long the socket was open
	Err         error         // Disowned, Lost and Failed (also if every topic is rejected)
}

// emit logs e and calls the observers.
func (l *Listener) emit(ctx context.Context, e Event) {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind))}
	if e.Topic != "" {
		attrs = append(attrs, slog.String("topic", e.Topic.redacted()))
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
