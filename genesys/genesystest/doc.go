// Package genesystest is a fake Genesys Cloud organisation in memory, for tests of bots and
// for demos without an account.
//
// [New] makes the organisation that a handover needs: one division, a role with four
// permissions, an OAuth client, an Open Messaging integration, the queues "Bot" and "Support",
// and a flow from the integration to "Bot". [Org.Channel] returns its configuration, and
// [Org.HTTPClient] connects to it:
//
//	org := genesystest.New(t)
//	ann := org.Agent("Ann", "Support")
//	desk, err := handover.New(handover.Config{
//		Channel:       org.Channel(),
//		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
//		...
//	})
//	org.DeliverTo(mux, "/genesys")
//	...
//	chat := ann.Wait(t).Accept()
//	chat.Say("Hello!")
//
// # Contents
//
//   - [Org]: the organisation, its options, the REST operations that a handover needs, and the
//     login host;
//   - [Integration], [Queue], [Conversation]: what an administrator sees and changes;
//   - [Agent], [Offer], [Desk]: what agents and supervisors do;
//   - [Fault], [WebhookFault], [SignalFaults]: failures between the program and Genesys;
//   - [Cloud]: one http.Client for several organisations;
//   - [Record] and [Replay]: exchanges with a real organisation in files.
//
// # Time
//
// The organisation uses time.Now and timers, and connections are in memory. Inside a
// testing/synctest bubble hours take milliseconds, and [Until] advances the clock. Outside of
// a bubble time is real, with the short delays of [Pace]. [WithClockOffset] sets the
// organisation's clock off against the host's.
//
// # Refusals
//
// The fake implements the server side of the API separately. It may import package handover
// for the type of [Org.Channel], package region, an in-memory network and a WebSocket library.
// It never calls the encoders, decoders or signatures of the client, so that one error cannot
// be in both. Programs that use it do not link package testing. It refuses a request that only
// a mistake in the program explains, and fails the test, unless [AllowErrors]:
//
//   - 400, 404 for an unknown path, 405, 413 and 415, and a request without a token;
//   - a receipt for a message that does not exist: Genesys answers 200 with the status Failed,
//     and so does the fake.
//
// Refusals that a correct program must handle do not fail the test: 401 for an expired or
// revoked token, 403 for a missing permission, 404 and 409 for a resource that was removed or
// changed, 429, and faults of [Org.Inject].
//
// # Notifications
//
// The organisation has notification channels: the REST operations, and the WebSocket at
// connectUri, which HTTPClient reaches in memory and [Org.Handler] on real sockets. It sends
// heartbeats, allows one socket for a channel, and keeps no events for a client that is not
// connected. A channel ends after a day, a socket with its token. Events are sent when Genesys
// sends them, including the misleading ones: user.start when an agent is alerted, user.end
// after a decline, acw after a transfer. [Org.CutSockets] and [Org.AnnounceMaintenance] close
// connections, [Org.DisturbSignals] loses, repeats and delays events, and [Org.Inject] with
// the operation "notifications.connect" refuses connections.
//
// # Uncertain behaviour
//
// Where Genesys documents no behaviour, the comment has the word UNCERTAIN. The fake then
// behaves in the way that is harder for a client, and an option may switch it. A repeated
// message is a second message ([WithDeduplication]), a later webhook may overtake one that is
// retried, a message after the end revives the conversation ([WithThreadWindow]), and a
// decline looks like the end of the conversation to a client that reads one leg only. A read
// does not name the customer's communication: it is the peer of the leg that is connected to
// the customer.
//
// Steps, states and disconnect types are those of the API definition
// (https://developer.genesys.cloud/devapps/api-explorer). The retries of the webhook are those
// of https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html.
//
// # Several tenants
//
// [Org.AddIntegration] makes another channel of the same OAuth client. [WithSeed] makes
// another organisation, and [Cloud] is one http.Client for several of them.
package genesystest
