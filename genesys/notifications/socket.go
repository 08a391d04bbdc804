package notifications

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

const (
	dialTime    = 30 * time.Second
	pingTime    = 5 * time.Second
	pingAfter   = 45 * time.Second // without a heartbeat, which comes about every 30 s
	silentAfter = 30 * time.Second // after the ping
	readLimit   = 1 << 20
)

var (
	errSilent  = errors.New("notifications: nothing came over the socket, not even an answer to a ping")
	errClosing = errors.New("notifications: Genesys announced that it will close the socket")
	errTooBig  = fmt.Errorf("notifications: a message is over %d bytes", readLimit)
)

// A socket is one open connection, and the goroutine that reads it.
type socket struct {
	conn    *websocket.Conn
	opened  time.Time
	heard   chan struct{} // holds one: something came
	closing chan struct{} // holds one: Genesys will close it
	stop    context.CancelFunc
	done    chan struct{} // closed when nothing is read any more
	err     error         // why; after done
}

// dial opens the socket and begins to read it, until ctx ends or close is called. Conversation ids go to h.
func (l *Listener) dial(ctx context.Context, address string, h *hints) (*socket, error) {
	if err := checkAddress(address, l.plain); err != nil {
		return nil, err
	}
	s := &socket{heard: make(chan struct{}, 1), closing: make(chan struct{}, 1), done: make(chan struct{})}
	hc := *l.http
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	opening, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, answer, err := websocket.Dial(opening, address, &websocket.DialOptions{ //nolint:bodyclose // Dial's answer has none to close
		HTTPClient:     &hc,
		OnPingReceived: func(context.Context, []byte) bool { signal(s.heard); return true },
	})
	if err != nil {
		return nil, dialError(ctx, answer, err)
	}
	conn.SetReadLimit(readLimit)
	s.conn, s.opened = conn, time.Now()
	reading, stop := context.WithCancel(ctx)
	s.stop = stop
	go s.read(reading, l, h)
	return s, nil
}

// read ends with the connection. It waits for nothing else.
func (s *socket) read(ctx context.Context, l *Listener, h *hints) {
	defer close(s.done)
	for {
		_, b, err := s.conn.Read(ctx)
		if err != nil {
			s.err = readError(err)
			return
		}
		signal(s.heard)
		switch m := readMessage(b); {
		case m.unreadable:
			l.tell(ctx, Event{Kind: Unreadable})
		case m.closing:
			signal(s.closing)
		case m.conversation != "":
			h.add(m.conversation)
		}
	}
}

// ping asks for a sign of life. What goes wrong with it the reader will see.
func (s *socket) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	_ = s.conn.Write(ctx, websocket.MessageText, []byte(ping))
}

// close cuts the connection, since a polite end could take ten seconds, and waits for the reader.
func (s *socket) close() {
	s.stop()
	_ = s.conn.CloseNow()
	<-s.done
}

// signal leaves a token, unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// A handshakeError is an answer other than 101.
type handshakeError struct{ status int }

// Error names the status alone: the rest may repeat the address.
func (e *handshakeError) Error() string {
	return fmt.Sprintf("notifications: the socket was refused with %d %s", e.status, http.StatusText(e.status))
}

// final: would the same address be refused again?
func (e *handshakeError) final() bool {
	return e.status/100 == 4 && e.status != http.StatusRequestTimeout && e.status != http.StatusTooManyRequests
}

// dialError has no address in its text, since that is all one needs to listen.
func dialError(ctx context.Context, answer *http.Response, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return &handshakeError{answer.StatusCode}
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("notifications: open the socket: %w", ue.Err)
	}
	return errors.New("notifications: open the socket: the answer is no WebSocket's: is a proxy in the way, or a transport that cannot switch protocols?")
}

// readError leaves out what the server wrote as the reason.
func readError(err error) error {
	switch code := websocket.CloseStatus(err); {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return errTooBig
	case code != -1:
		return fmt.Errorf("notifications: the server closed the socket with %s", code)
	default:
		return fmt.Errorf("notifications: read the socket: %w", err)
	}
}
