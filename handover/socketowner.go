package handover

import (
	"context"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
)

// A SocketOwner stores which replica holds the notification socket of an OAuth client. Genesys
// allows 20 channels per client; one is enough for any number of replicas. It implements
// notifications.Owner and is safe for concurrent use. Each SocketOwner is a separate owner, so
// create one per OAuth client, not one per channel.
//
// Its record is in the Store, next to those of customers. Sessions, Forget and retention ignore
// it. It contains the id and the address of the notification channel: anyone who can read the
// Store can listen to it.
type SocketOwner struct{ owner *engine.SocketOwner }

// SocketOwner returns an owner for the OAuth client of a channel. In a Manager of one channel, an
// empty name means that channel. It does not claim the socket yet.
func (m *Manager) SocketOwner(channel string) *SocketOwner {
	return &SocketOwner{owner: m.engine.SocketOwner(channel)}
}

// Own claims the socket for d, or keeps it, and stores state; a nil state keeps the stored one.
// held is false if another replica has the socket. last is the state stored before, so that a new
// owner can continue with the same notification channel. If d <= 0, the socket is released and the
// state remains. Clocks of replicas may differ by 5 s. Errors: ErrNoChannel, and errors of
// Config.Channels and the Store; held is then false.
func (o *SocketOwner) Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	return o.owner.Own(ctx, state, d)
}

// Report stores whether the socket works. While it does, sessions that it covers are rarely
// polled. When it stops working, their hosts get NoticeConnectionLost. It does nothing unless
// this owner holds the socket. Errors are those of Own.
func (o *SocketOwner) Report(ctx context.Context, alive bool) error {
	return o.owner.Report(ctx, alive)
}
