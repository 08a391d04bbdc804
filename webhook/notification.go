package webhook

import (
	"context"
	"net/http"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A Notification is one verified post of an Open Messaging integration.
type Notification struct {
	Channel  string                 // Endpoint.Channel of the verifier that opened it
	Outbound openmessaging.Outbound // what Genesys says; may arrive again, and in any order
	Secret   int                    // index of the secret that matched: while it is not 0, a rotation is not finished
}

// A Keyring finds the verifier of a request by what is outside the body: path, host. The body cannot be read there: the
// request it gets has none. ErrNoChannel is answered 404, any other error 503. *Verifier and *handover.Manager are
// Keyrings. It is called for every post, before anything is verified, by many goroutines at once.
//
// A Keyring that also has
//
//	Refresh(*http.Request) (*Verifier, error)
//
// is asked once more after a refused signature or integration: the secret may just have been rotated. It limits for itself
// how often it really looks (anyone can send a wrong signature) and returns what it has in between.
type Keyring interface {
	Verifier(r *http.Request) (*Verifier, error)
}

// A refresher is the second face of a Keyring.
type refresher interface {
	Refresh(r *http.Request) (*Verifier, error)
}

// A HandlerFunc takes a [Notification]. Nil means it is safe: Genesys is answered 200 and forgets it. On an error, a
// panic, or when it does not return within the budget ([WithBudget]), Genesys is answered 503 and posts it again, so it
// must bear the same notification twice.
//
// ctx ends with the budget, not with the connection: when Genesys hangs up, a write goes on. It is called by many
// goroutines at once. Its errors are logged as they are: keep customer text and ids out of them.
type HandlerFunc func(ctx context.Context, n Notification) error
