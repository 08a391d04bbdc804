package notifications

import (
	"errors"
	"log/slog"
	"net/http"
)

// An Option changes what [New] makes. Each is checked by New.
type Option func(*Listener) error

// WithOwner lets one replica of many hold the OAuth client's channel; the others stand by. Give the same kind of owner to
// every replica, such as the SocketOwner of a handover.Manager.
//
// Without it each Listener makes a channel of its own, which is right for a single process. Genesys allows 20 for an OAuth
// client; a 21st takes the place of the oldest, so 21 replicas without an owner evict each other for ever.
func WithOwner(o Owner) Option {
	return func(l *Listener) error {
		if o == nil {
			return errors.New("notifications: WithOwner: the owner is nil; leave the option out for a single process")
		}
		l.owner = o
		return nil
	}
}

// WithLogger logs what the listener does, under the keys kind, topic, permissions, lived and error: rejected topics and
// failures at Warn, the rest at Info or Debug. Never content, tokens, the address of the socket or the id of a
// conversation. Without it nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(l *Listener) error {
		if log == nil {
			return errors.New("notifications: WithLogger: the logger is nil; leave the option out for silence")
		}
		l.log = log
		return nil
	}
}

// WithObserver calls f for every [Event], from several goroutines, the reading one among them: it must be quick and safe
// for concurrent use. Given several times, all are called, in order.
func WithObserver(f func(Event)) Option {
	return func(l *Listener) error {
		if f == nil {
			return errors.New("notifications: WithObserver: the function is nil")
		}
		l.observers = append(l.observers, f)
		return nil
	}
}

// WithHTTPClient opens the WebSocket through hc instead of the genesys.Client's own HTTP client, which is the default: for
// a proxy of its own. The transport must be able to switch protocols, as *http.Transport is. The Timeout bounds opening
// only; redirects are not followed.
func WithHTTPClient(hc *http.Client) Option {
	return func(l *Listener) error {
		if hc == nil {
			return errors.New("notifications: WithHTTPClient: the client is nil; leave the option out for the genesys.Client's")
		}
		l.http = hc
		return nil
	}
}
