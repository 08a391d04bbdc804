// Package httpx sends one HTTP request with retries that cannot double an effect, and tells what became of it.
//
// It hides hashicorp/go-retryablehttp, whose defaults do not suit messages: a POST answered 502 would be sent again,
// a Retry-After of a day would be waited for, the last answer would be lost, and the caller's idle connections closed.
package httpx
