// Package genesyshandover is the root of an SDK that lets a bot hand a conversation over to a live
// agent in Genesys Cloud and take it back, over Open Messaging
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/). The host keeps its HTTP
// server, bot and customer channel. This package has no code; these do the work:
//
//   - [github.com/genesyshandover/genesyshandover/handover]: the Manager. It opens, routes, relays
//     and ends handovers, returns who may speak to the customer now, and hands the conversation
//     back. Start here.
//   - [github.com/genesyshandover/genesyshandover/handover/sqlstore]: keeps sessions in SQLite or
//     PostgreSQL; handover/redisstore, a separate module, in Redis;
//     [github.com/genesyshandover/genesyshandover/handover/storetest] is the contract of a store.
//   - [github.com/genesyshandover/genesyshandover/webhook]: verifies and reads what Genesys posts;
//     an http.Handler.
//   - [github.com/genesyshandover/genesyshandover/genesys]: a client of the Genesys Cloud API, as
//     much as a handover needs.
//   - [github.com/genesyshandover/genesyshandover/genesys/openmessaging]: the wire model of Open
//     Messaging, both directions; standard library only.
//   - [github.com/genesyshandover/genesyshandover/region]: the Genesys Cloud regions and their
//     hosts.
//   - [github.com/genesyshandover/genesyshandover/genesys/genesystest]: a fake Genesys Cloud
//     organisation, in memory, for tests and demos; it works inside testing/synctest.
//
// Each package can be used without the ones above it: webhook and openmessaging alone are enough
// for a bridge that only receives.
package genesyshandover
