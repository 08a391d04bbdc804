package genesys

import (
	"context"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

const (
	renewEarly   = time.Minute      // before a token expires; a quarter of its life if that is less
	renewPause   = 10 * time.Second // after a renewal that failed while the token still holds
	fetchTimeout = 45 * time.Second // repeats included
)

// tokens keeps one token and fetches it once for all who wait.
type tokens struct {
	fetch func(context.Context) (*oauth2.Token, error)

	mu     sync.Mutex
	token  *oauth2.Token
	renew  time.Time // from when on another is fetched; zero: never
	flight *flight   // the fetch that is running
}

type flight struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// get returns the token. The fetch runs on a context of its own: a caller who gives up must not fail the others, nor
// leave a dead context behind for the next fetch.
func (t *tokens) get(ctx context.Context) (*oauth2.Token, error) {
	if ctx.Err() != nil {
		return nil, unanswered(opToken, httpx.Ended(ctx))
	}
	t.mu.Lock()
	if t.token != nil && (t.renew.IsZero() || time.Now().Before(t.renew)) {
		defer t.mu.Unlock()
		return t.token, nil
	}
	f := t.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		t.flight = f
		go t.run(context.WithoutCancel(ctx), f)
	}
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, unanswered(opToken, httpx.Ended(ctx))
	}
}

func (t *tokens) run(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	start := time.Now()
	f.token, f.err = t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flight = nil
	switch {
	case f.err == nil:
		t.token, t.renew = f.token, renewal(f.token.Expiry, start)
	case t.token != nil && time.Now().Before(t.token.Expiry):
		// The login host is down, but what we have still holds.
		f.token, f.err = t.token, nil
		t.renew = time.Now().Add(renewPause)
		if t.renew.After(t.token.Expiry) {
			t.renew = t.token.Expiry
		}
	}
	close(f.done)
}

func renewal(expiry, start time.Time) time.Time {
	if expiry.IsZero() {
		return time.Time{}
	}
	return expiry.Add(-min(renewEarly, expiry.Sub(start)/4))
}

// drop forgets tok after a 401, unless somebody else has fetched another since.
func (t *tokens) drop(tok *oauth2.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != nil && t.token.AccessToken == tok.AccessToken {
		t.token = nil
	}
}
