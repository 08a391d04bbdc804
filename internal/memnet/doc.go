// Package memnet is a network inside the process for tests and fakes: a listener, a dialer, and
// HTTP over both.
//
// It uses no socket, so it works inside a testing/synctest bubble: a goroutine that waits for a
// byte here is durably blocked, and the bubble's clock advances. A goroutine that waits for a real
// socket is not durably blocked, see https://pkg.go.dev/testing/synctest#hdr-Blocking. The package
// imports the standard library only.
package memnet
