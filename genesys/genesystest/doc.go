// Package genesystest is a fake Genesys Cloud organisation, in memory, for tests of bots and for demos without an account.
//
// [New] makes the organisation a handover needs: one division, a role with four permissions, an OAuth client, an Open
// Messaging integration, the queues "Bot" and "Support" and a flow from the integration to "Bot". [Org.Channel] is its
// configuration and [Org.HTTPClient] the way to it:
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
// # Time
//
// All time is time.Now and timers, and connections are in memory. So inside a testing/synctest bubble hours pass in
// milliseconds, and [Until] moves the clock. Outside of a bubble everything happens in real time, with the small delays of
// [Pace], which is what demos want.
//
// # What it refuses
//
// The fake implements the server side of the API on its own: it shares no encoder, decoder or signature with the client,
// so the two cannot be wrong together. A request that can only come from a mistake in the program is refused and fails the
// test, unless [AllowErrors]:
//
//   - 400, 404 for a path that does not exist, 405, 413 and 415, and a request without a token;
//   - a receipt for a message that never was: Genesys answers 200 with the status Failed, and so does the fake.
//
// A refusal that a correct program has to live with does not fail the test: 401 for a token that expired or was revoked,
// 403 for a missing permission, 404 and 409 for something that is gone or has changed meanwhile, 429, and whatever was
// injected with [Org.Inject].
//
// # Notifications
//
// The organisation has notification channels: the REST operations, and the WebSocket at connectUri, which HTTPClient reaches
// in memory and [Org.Handler] on real sockets. It heartbeats, allows one socket a channel, keeps no event for who is not
// connected, and ends channels after a day and sockets with their tokens. Events come at the moments Genesys is known for,
// also the misleading ones: user.start while it rings, user.end when an agent declines, acw after a transfer.
// [Org.CutSockets] and [Org.AnnounceMaintenance] break connections, [Org.DisturbSignals] loses, doubles and delays what is
// sent, [Org.Inject] with the operation "notifications.connect" refuses to connect.
//
// # What is uncertain
//
// Where Genesys does not document a behaviour, the fake takes the side that is harder for a client, and the option that
// switches it says so: a repeated message is a second message ([WithDeduplication]), a later webhook may overtake one that
// is being retried, a message posted right after the end revives the conversation, declining looks like ending to who reads
// one leg only. The customer's communication, which a read does not name, is the peer of the leg that talks to the customer.
//
// The steps, states and disconnect types follow the definition of the API
// (https://developer.genesys.cloud/devapps/api-explorer), the webhook's retries
// https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html.
//
// # Many tenants
//
// [Org.AddIntegration] makes another channel of the same OAuth client; [WithSeed] makes another organisation, and [Cloud] is
// one http.Client for several.
package genesystest
