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
	heartbeat = 30 * time.Second
	farewell  = 5 * time.Second // for who is told that a socket closes and does not listen
)

// A socket is the one connection of a channel. Frames wait in a queue, so that a client that does not read holds up nobody.
type socket struct {
	o      *Org
	ch     *channel
	token  *token
	ctx    context.Context //nolint:containedctx // the life of the connection, which outlives every call
	cancel context.CancelFunc
	bell   chan struct{} // there is something in queue or code

	// With the lock of the organisation:
	queue  [][]byte
	gone   bool                 // the channel has it no more
	code   websocket.StatusCode // what to say at the end; 0: nothing yet
	reason string
}

// serveSocket is GET /channels/{id} of the streaming host. It returns when the socket has ended.
func (o *Org) serveSocket(w http.ResponseWriter, c *call) {
	s, a := o.admit(c)
	o.note(c, opConnect, a.status)
	switch {
	case a.status == 0:
		panic(http.ErrAbortHandler) // the connection dies
	case s == nil:
		o.write(w, a)
		return
	}
	defer s.drop()
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

// admit gives the channel its socket before the client hears of it, so that nothing is missed in between. Faults come first.
func (o *Org) admit(c *call) (*socket, answer) {
	if f := c.fault; f != nil {
		if !pause(c.request.Context().Done(), f.Delay) || f.Drop {
			return nil, answer{}
		}
		if f.Status != 0 {
			return nil, f.answer()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	ch := o.channelByID(c.vars["channel"])
	switch {
	case ch == nil:
		return nil, gone("channel")
	case !strings.EqualFold(c.request.Header.Get("Upgrade"), "websocket"):
		return nil, failure(http.StatusUpgradeRequired, "upgrade.required", "This address speaks WebSocket only").mistaken()
	case ch.token.revoked || !time.Now().Before(ch.token.expires):
		return nil, failure(http.StatusUnauthorized, "credentials.expired", "The token of the channel has expired")
	}
	return o.openSocket(ch), answer{status: http.StatusSwitchingProtocols}
}

// openSocket closes the channel's present socket. The new one lives as long as the token that used the channel last.
func (o *Org) openSocket(ch *channel) *socket {
	if ch.socket != nil {
		ch.socket.close(websocket.StatusPolicyViolation, "another connection took the channel")
	}
	s := &socket{o: o, ch: ch, token: ch.token, bell: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(o.ctx)
	ch.socket, ch.used = s, time.Now()
	o.after(time.Until(s.token.expires), func() { s.close(websocket.StatusPolicyViolation, "the token has expired") })
	s.beat()
	return s
}

func (s *socket) beat() {
	s.o.after(heartbeat, func() {
		if s.gone {
			return
		}
		s.push(metadata("WebSocket Heartbeat"))
		s.beat()
	})
}

// push queues a frame. Call it with the lock, like all below that do not say otherwise.
func (s *socket) push(frame []byte) {
	if s.gone {
		return
	}
	s.queue = append(s.queue, frame)
	s.ring()
}

func (s *socket) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// close ends the socket with a close frame, behind what is queued. Which codes Genesys uses is UNCERTAIN.
func (s *socket) close(code websocket.StatusCode, reason string) {
	if s.gone {
		return
	}
	s.leave()
	s.code, s.reason = code, reason
	s.ring()
	s.o.after(farewell, s.cancel)
}

// cut ends the socket without a word.
func (s *socket) cut() {
	s.leave()
	s.cancel()
}

func (s *socket) leave() {
	s.gone = true
	if s.ch.socket == s {
		s.ch.socket = nil
	}
}

// drop is cut for who does not have the lock.
func (s *socket) drop() {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.cut()
}

// next waits for what is to be sent. Without a frame it is time to close, with the code or, if that is 0, at once. Call it
// without the lock.
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
		case <-s.bell:
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
	defer s.drop()
	for {
		_, b, err := conn.Read(s.ctx)
		if err != nil {
			return
		}
		var said struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(b, &said) == nil && said.Message == "ping" {
			s.o.mu.Lock()
			s.push(metadata("pong"))
			s.o.mu.Unlock()
		}
	}
}
