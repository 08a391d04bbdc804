package notifications

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/genesyshandover/genesyshandover/webhook"
)

const (
	dialTimeout = 30 * time.Second
	pingTimeout = 5 * time.Second
	pingAfter   = 45 * time.Second // without a message; Genesys sends a heartbeat about every 30 s
	pongTimeout = 30 * time.Second // after the ping
	readLimit   = 1 << 20
)

var (
	errSilent  = errors.New("notifications: the socket is silent: no message, and no answer to a ping")
	errClosing = errors.New("notifications: Genesys announced that it will close the socket")
	errTooBig  = fmt.Errorf("notifications: a message has more than %d bytes", readLimit)
)

// A socket is one open connection with the goroutine that reads it.
type socket struct {
	conn     *websocket.Conn
	opened   time.Time
	received chan struct{} // holds one value: a message arrived
	closing  chan struct{} // holds one value: Genesys is about to close the socket
	stop     context.CancelFunc
	done     chan struct{} // closed when the reader ends
	err      error         // the reason; set before done is closed
}

// dial opens the socket and reads it until ctx ends or close is called. It adds conversation
// ids to h.
func (l *Listener) dial(ctx context.Context, address string, h *hints) (*socket, error) {
	if err := checkAddress(address, l.plaintext); err != nil {
		return nil, err
	}
	s := &socket{received: make(chan struct{}, 1), closing: make(chan struct{}, 1), done: make(chan struct{})}
	hc := *l.http
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	opening, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, answer, err := websocket.Dial(opening, address, &websocket.DialOptions{ //nolint:bodyclose // Dial's answer has none to close
		HTTPClient:     &hc,
		OnPingReceived: func(context.Context, []byte) bool { notify(s.received); return true },
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

// read reads messages until the connection ends. It never blocks on anything else.
func (s *socket) read(ctx context.Context, l *Listener, h *hints) {
	defer close(s.done)
	for {
		_, b, err := s.conn.Read(ctx)
		if err != nil {
			s.err = readError(err)
			return
		}
		notify(s.received)
		switch m := readMessage(b); {
		case m.unreadable:
			l.emit(ctx, Event{Kind: Unreadable})
		case m.closing:
			notify(s.closing)
		case m.conversation != "":
			h.add(m.conversation)
		}
	}
}

// ping requests a heartbeat. It ignores errors, because the reader sees them too.
func (s *socket) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	_ = s.conn.Write(ctx, websocket.MessageText, []byte(ping))
}

// close cuts the connection, because a close handshake could take ten seconds, and waits for
// the reader.
func (s *socket) close() {
	s.stop()
	_ = s.conn.CloseNow()
	<-s.done
}

// notify sends a value on c unless c is full.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// A handshakeError is an answer to the WebSocket handshake other than 101.
type handshakeError struct{ status int }

// Error returns only the status, because the rest of the answer may contain the address.
func (e *handshakeError) Error() string {
	return fmt.Sprintf("notifications: Genesys refused the WebSocket with %d %s", e.status, http.StatusText(e.status))
}

// permanent reports whether the same address would be refused again.
func (e *handshakeError) permanent() bool {
	return e.status/100 == 4 && e.status != http.StatusRequestTimeout && e.status != http.StatusTooManyRequests
}

// dialError removes the address from err, because the address is enough to listen to the
// channel.
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
	return errors.New("notifications: open the socket: the answer is not a WebSocket handshake; " +
		"check for a proxy, or a transport that cannot switch protocols")
}

// readError converts err and removes the close reason, which is text from the server.
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

// These are the topics of messages from Genesys about the channel itself
// (https://community.genesys.com/discussion/regarding-the-behavior-of-websocket-heartbeats?hlmlt=VT).
const (
	heartbeatTopic = "channel.metadata" // about every 30 s, and the answer to a ping
	// Maintenance: Genesys closes the socket in about a minute.
	closingTopic = "v2.system.socket_closing"
)

// ping requests a heartbeat. Genesys is known to answer it; its exact form is UNCERTAIN.
const ping = `{"message":"ping"}`

// A message is the part of a socket message that the listener uses.
type message struct {
	conversation string // to check again; may be empty
	closing      bool   // Genesys is about to close the socket
	unreadable   bool
}

// readMessage reads the topic and the id of a conversation, in any of the places where events
// have it. Messages without one return the zero message.
func readMessage(b []byte) message {
	var head struct {
		Topic string `json:"topicName"`
	}
	err := json.Unmarshal(b, &head)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
		return message{unreadable: true}
	}
	switch head.Topic {
	case heartbeatTopic:
		return message{}
	case closingTopic:
		return message{closing: true}
	}
	// An event on the socket has the same form as the detail of an EventBridge event.
	e, err := webhook.ParseEventBridge(b)
	if err != nil {
		return message{}
	}
	return message{conversation: e.ConversationID}
}
