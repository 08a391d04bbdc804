// Package account is one OAuth client of Genesys Cloud: its client with the token, the budget of requests, the breaker, the slots of
// polls, and the offset of Genesys' clock.
//
// A request is sent at once or not at all: an error says when it makes sense to try again. Replicas share no state; the rate-limit
// headers of answers bring them together. It imports environment, machine, record and genesys.
package account
