// Package httpx sends one HTTP request with retries that cannot double an effect, and reports
// whether the request may have been performed. It knows nothing of Genesys but the names of its
// rate-limit headers.
//
// It hides hashicorp/go-retryablehttp. The defaults of that package do not suit messages: it would
// send a POST again after a 502, wait for a Retry-After of a day, lose the last answer, and close
// the caller's idle connections.
package httpx
