package genesystest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	heartbeat    = 30 * time.Second
	closeTimeout = 5 * time.Second // for a client that does not answer the close frame
)

// A socket is the connection of a channel. Frames wait in a queue, so that a client that does not
// read blocks no other.
type socket struct {
	o      *Org
	ch     *channel
	token  *token
	ctx    context.Context //nolint:containedctx // of the connection, which outlives every call
	cancel context.CancelFunc
	wake   chan struct{} // queue or code has changed

	// Guarded by the lock of the organisation:
	queue    [][]byte
	detached bool                 // the channel no longer uses it
	code     websocket.StatusCode // of the close frame; 0: none yet
	reason   string
}

// serveSocket is GET /channels/{id} of the streaming host. It returns when the socket has closed.
func (o *Org) serveSocket(w http.ResponseWriter, c *call) {
	s, a := o.acceptSocket(c)
	o.recordRequest(c, opConnect, a.status)
	switch {
	case a.status == 0:
		panic(http.ErrAbortHandler) // breaks the connection
	case s == nil:
		o.write(w, a)
		return
	}
	defer s.disconnect()
	w.Header().Set("Date", o.Now().Format(http.TimeFormat))
	// Browsers of any origin may connect: the address is the secret.
	conn, err := websocket.Accept(w, c.request, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	var reading sync.WaitGroup
	reading.Go(func() { s.read(conn) })
	s.write(conn)
	reading.Wait()
}

// acceptSocket assigns the socket to the channel before the client is connected, so that no event
// is lost in between. It applies faults first.
func (o *Org) acceptSocket(c *call) (*socket, answer) {
	if f := c.fault; f != nil {
		if !pause(c.request.Context().Done(), f.Delay) || f.Drop {
			return nil, answer{}
		}
		if f.Status != 0 {
			return nil, f.answer().withHeader(f.Header)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	ch := o.channelByID(c.vars["channel"])
	switch {
	case ch == nil:
		return nil, notFound("channel")
	case !strings.EqualFold(c.request.Header.Get("Upgrade"), "websocket"):
		return nil, failure(http.StatusUpgradeRequired, "upgrade.required", "The address requires a WebSocket connection").asMistake()
	case ch.token.revoked || !time.Now().Before(ch.token.expires):
		return nil, failure(http.StatusUnauthorized, "credentials.expired", "The token of the channel has expired")
	}
	return o.openSocket(ch), answer{status: http.StatusSwitchingProtocols}
}

// openSocket closes the channel's present socket and makes a new one, which lasts until the token
// that used the channel last expires.
func (o *Org) openSocket(ch *channel) *socket {
	if ch.socket != nil {
		ch.socket.close(websocket.StatusPolicyViolation, "another connection uses the channel")
	}
	s := &socket{o: o, ch: ch, token: ch.token, wake: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(o.ctx)
	ch.socket, ch.used = s, time.Now()
	o.after(time.Until(s.token.expires), func() { s.close(websocket.StatusPolicyViolation, "the token has expired") })
	s.planHeartbeat()
	return s
}

func (s *socket) planHeartbeat() {
	s.o.after(heartbeat, func() {
		if s.detached {
			return
		}
		s.push(metadata("WebSocket Heartbeat"))
		s.planHeartbeat()
	})
}

// push queues a frame. The caller holds the lock, as for all methods below unless they state
// otherwise.
func (s *socket) push(frame []byte) {
	if s.detached {
		return
	}
	s.queue = append(s.queue, frame)
	s.wakeWriter()
}

func (s *socket) wakeWriter() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close sends a close frame after the queued frames. Which codes Genesys uses is UNCERTAIN.
func (s *socket) close(code websocket.StatusCode, reason string) {
	if s.detached {
		return
	}
	s.detach()
	s.code, s.reason = code, reason
	s.wakeWriter()
	s.o.after(closeTimeout, s.cancel)
}

// cut closes the connection without a close frame.
func (s *socket) cut() {
	s.detach()
	s.cancel()
}

func (s *socket) detach() {
	s.detached = true
	if s.ch.socket == s {
		s.ch.socket = nil
	}
}

// disconnect is cut for callers that do not hold the lock.
func (s *socket) disconnect() {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.cut()
}

// next waits for a frame to send. Without a frame the caller closes the socket, with code, or
// without a close frame if code is 0. The caller does not hold the lock.
func (s *socket) next() (frame []byte, code websocket.StatusCode, reason string) {
	for {
		s.o.mu.Lock()
		if len(s.queue) > 0 {
			frame, s.queue = s.queue[0], s.queue[1:]
		}
		code, reason = s.code, s.reason
		s.o.mu.Unlock()
		if frame != nil || code != 0 {
			return frame, code, reason
		}
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			return nil, 0, ""
		}
	}
}

func (s *socket) write(conn *websocket.Conn) {
	for {
		frame, code, reason := s.next()
		if frame != nil && conn.Write(s.ctx, websocket.MessageText, frame) == nil {
			continue
		}
		if frame == nil && code != 0 {
			_ = conn.Close(code, reason)
		}
		s.cancel()
		_ = conn.CloseNow()
		return
	}
}

func (s *socket) read(conn *websocket.Conn) {
	defer s.disconnect()
	for {
		_, b, err := conn.Read(s.ctx)
		if err != nil {
			return
		}
		var frame struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(b, &frame) == nil && frame.Message == "ping" {
			s.o.mu.Lock()
			s.push(metadata("pong"))
			s.o.mu.Unlock()
		}
	}
}

// maintenanceNotice is the time between the announcement and the end of a connection.
const maintenanceNotice = time.Minute

// Sockets returns the number of notification channels with a connection.
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

// CutSockets closes every notification socket without a close frame, as a broken network does.
// Channels and their subscriptions remain. Events until the client connects again are lost.
func (o *Org) CutSockets() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sockets() {
		s.cut()
	}
}

// AnnounceMaintenance sends v2.system.socket_closing to every notification socket and closes the
// sockets a minute later. Channels and their subscriptions remain, so a client has a minute to
// connect again.
func (o *Org) AnnounceMaintenance() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sockets() {
		s.push(encode(event{Topic: topicClosing, Version: "2", Body: eventNote{"The connection will be closed in a minute"}}))
		o.after(maintenanceNotice, func() { s.close(websocket.StatusGoingAway, "maintenance") })
	}
}

// closeRevoked closes the sockets of revoked tokens. The caller holds the lock.
func (o *Org) closeRevoked() {
	for _, s := range o.sockets() {
		if s.token.revoked {
			s.close(websocket.StatusPolicyViolation, "the token was revoked")
		}
	}
}
