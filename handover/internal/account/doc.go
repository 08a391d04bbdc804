// Package account contains the state of one OAuth client of Genesys Cloud: the client with its
// token, the budget of requests, the breaker, the slots of polls, and the offset of Genesys' clock.
//
// A request is sent at once or refused with an error that contains the time of the next attempt.
// Replicas share no state; they converge by the rate-limit headers of answers. The package imports
// environment, machine, record and genesys.
package account
