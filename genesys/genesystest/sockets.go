package genesystest

import (
	"time"

	"github.com/coder/websocket"
)

// maintenanceNotice is how long before the end of a connection its client is told.
const maintenanceNotice = time.Minute

// Sockets counts the notification channels that have a connection.
func (o *Org) Sockets() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.sockets())
}

func (o *Org) sockets() []*socket {
	var list []*socket
	for _, ch := range o.channels {
		if ch.socket != nil {
			list = append(list, ch.socket)
		}
	}
	return list
}

// CutSockets drops every notification socket without a close frame, as a network does that breaks. Channels and their
// subscriptions stay; what happens until a client connects again is lost to it.
func (o *Org) CutSockets() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sockets() {
		s.cut()
	}
}

// AnnounceMaintenance sends v2.system.socket_closing to every notification socket and closes those a minute later that are
// still there. Channels and their subscriptions stay, so a client has a minute to connect again.
func (o *Org) AnnounceMaintenance() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sockets() {
		s.push(encode(event{Topic: topicClosing, Version: "2", Body: eventNote{"The connection will be closed in a minute"}}))
		o.after(maintenanceNotice, func() { s.close(websocket.StatusGoingAway, "maintenance") })
	}
}

// closeRevoked closes the sockets whose tokens are worthless. Call it with the lock.
func (o *Org) closeRevoked() {
	for _, s := range o.sockets() {
		if s.token.revoked {
			s.close(websocket.StatusPolicyViolation, "the token was revoked")
		}
	}
}
