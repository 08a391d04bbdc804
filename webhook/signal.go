package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// maxConversationID is more than three times a UUID.
const maxConversationID = 128

var (
	// ErrToken reports that a signal had no token or a wrong one, or that the handler was made with
	// one of fewer than 16 characters, which it never accepts.
	ErrToken = errors.New("webhook: signal: wrong token")

	// ErrNoConversation says that a signal or an event names no conversation, or something that is
	// no conversation id.
	ErrNoConversation = errors.New("webhook: no conversation id")
)

// NewSignalHandler serves the posts of Process Automation triggers and data actions: a shared token
// in the Authorization header ("Bearer <token>" or the token alone), {"conversationId": "…"} in the
// body. Other members are ignored, except those of [WithEnded]. h is a Manager's Recheck; it may be
// repeated, so a replayed signal does no harm beyond a read.
//
// Answers: 200 with the body {}, because a data action reads its answer as JSON (UNCERTAIN whether
// it would accept an empty one); 400 for a body without a conversation id (1 to 128 of A-Z, a-z,
// 0-9 and "-") or with a time that cannot be read; 401 for a wrong token; 405, 413; 503 when h
// failed, panicked, or took longer than the budget. The token is compared before the body is read.
//
// There is no error result: with a token of fewer than 16 characters the handler answers every post
// 401, and logs the reason if it has a logger ([WithLogger]). A nil h accepts signals and does
// nothing.
//
// A trigger starts an Architect workflow, and a data action in it posts here:
// https://help.mypurecloud.com/articles/overview-of-triggers/
func NewSignalHandler(token string, h func(ctx context.Context, conversationID string) error, opts ...Option) http.Handler {
	return &signalHandler{
		options: newOptions(opts),
		token:   sha256.Sum256([]byte(token)),
		short:   utf8.RuneCountInString(token) < minSecret,
		handle:  h,
	}
}

type signalHandler struct {
	options

	token  [sha256.Size]byte // hashed, so that comparing takes the same time for any length
	short  bool
	handle func(ctx context.Context, conversationID string) error
}

func (h *signalHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q := Request{Secret: -1}
	q.Status, q.Err = h.serve(w, r, start, &q)
	if q.Status == http.StatusOK {
		w.Header().Set("Content-Type", "application/json")
		// The signal is taken, whether or not anybody waits for the answer.
		_, _ = io.WriteString(w, "{}")
	} else {
		answer(w, q.Status)
	}
	q.Duration = time.Since(start)
	h.report(r.Context(), q)
}

func (h *signalHandler) serve(w http.ResponseWriter, r *http.Request, start time.Time, q *Request) (int, error) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, errMethod
	}
	if err := h.authorize(r.Header.Get("Authorization")); err != nil {
		return http.StatusUnauthorized, err
	}
	q.Secret = 0
	body, err := h.read(w, r)
	if err != nil {
		return readStatus(err), err
	}
	post, err := readSignal(body)
	if err != nil {
		return http.StatusBadRequest, err
	}
	handle := h.handle
	if post.Ended && h.ended != nil {
		channel := r.PathValue("channel")
		handle = func(ctx context.Context, id string) error { return h.ended(ctx, channel, id, post.at) }
	}
	if handle == nil {
		return http.StatusOK, nil
	}
	if err := h.within(r.Context(), start, func(ctx context.Context) error { return handle(ctx, post.ConversationID) }); err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("webhook: callback: %w", err)
	}
	return http.StatusOK, nil
}

// authorize accepts the token with or without the word Bearer.
func (h *signalHandler) authorize(header string) error {
	if h.short {
		return fmt.Errorf("%w: the handler's own token has fewer than %d characters, so every post is refused; NewSecret makes one",
			ErrToken, minSecret)
	}
	bare := header
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		bare = strings.TrimSpace(rest)
	}
	whole, rest := sha256.Sum256([]byte(header)), sha256.Sum256([]byte(bare))
	if subtle.ConstantTimeCompare(whole[:], h.token[:])|subtle.ConstantTimeCompare(rest[:], h.token[:]) != 1 {
		return ErrToken
	}
	return nil
}

// A signalPost is what a trigger or a data action sends.
type signalPost struct {
	ConversationID string `json:"conversationId"`
	Ended          bool   `json:"ended"`

	Time json.RawMessage `json:"time"`
	at   time.Time
}

func readSignal(body []byte) (post signalPost, err error) {
	if err := json.Unmarshal(body, &post); err != nil {
		return post, &DecodeError{Err: err}
	}
	if !isConversationID(post.ConversationID) {
		return post, fmt.Errorf(`%w: the body must be {"conversationId": "…"} with 1 to %d of A-Z, a-z, 0-9 and "-"`,
			ErrNoConversation, maxConversationID)
	}
	if post.at, err = parseTime(post.Time); err != nil && post.Ended {
		return post, &DecodeError{Err: err}
	}
	return post, nil
}

// isConversationID rejects everything that could change the meaning of a path or a log line.
// Genesys' ids are UUIDs; that is not required, so that fakes may use readable ones.
func isConversationID(s string) bool {
	if s == "" || len(s) > maxConversationID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
