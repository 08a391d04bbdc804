// Package notifications listens to the Genesys Notifications API over a WebSocket and reports
// which conversations to check again. Its events are hints: Genesys loses and delays events,
// and a reject, a requeue and a transfer look like an end. So a [Listener] passes on only the
// id of the conversation, and the callback reads the conversation.
//
//	listener, err := notifications.New(client,
//		[]notifications.Topic{notifications.QueueMessages(queueID)},
//		notifications.WithOwner(desk.SocketOwner("")))
//	…
//	go func() { _ = listener.Run(ctx, desk.Recheck) }()
//
// Run a listener in every replica, in addition to Manager.Run. A handover works without one,
// because the Manager polls. With a listener it sees an end within seconds, without one at its
// next poll.
//
// The package imports genesys, webhook (to read events) and github.com/coder/websocket. It
// writes nothing to Genesys except channels and their subscriptions.
//
// # Topics
//
// Subscribe to one [QueueMessages] for each queue that agents answer from. It has the events of
// every conversation in the queue, so a new conversation needs no subscription. A transferred
// conversation has its events on the topic of the new queue, so list all queues that it can
// reach. [UserMessages] shows what an agent does with a conversation from any queue.
// [ConversationEnd] and similar topics are for one conversation each.
//
// Genesys does not document whether client credentials may subscribe, but its samples do so for
// topics of queues, users and conversations. The permissions are UNCERTAIN: a queue's topic
// seems to need a view permission for conversations or for the queue, a conversation's topic
// Analytics > Conversation Detail > View. Genesys names the missing permissions, and the
// [Rejected] event has them. The other topics work in the meantime. Rejected topics are retried
// every ten minutes.
//
// # Limits
//
// Limits of Genesys
// (https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/NotificationsApi.md,
// https://github.com/MyPureCloud/developer-center-blog/blob/1e5c598/source/2021-12-02-Event-Streaming-In-Action/index.md):
//
//   - 1,000 topics in a channel ([MaxTopics]).
//   - 20 channels for an OAuth client. One more removes the oldest, those without a socket
//     first. A listener makes one channel; all replicas with an [Owner] share one. A listener
//     makes a new one only if Genesys no longer knows the old one, at most once a minute.
//   - One socket for a channel. A new socket closes the previous one, so a change of owner is
//     safe.
//   - 24 hours of life for a channel after its last subscription. The listener subscribes again
//     after about 12 hours.
//
// Limits of this package: messages up to 1 MiB, 8 concurrent calls of the callback, 10,000
// waiting conversations.
//
// # Lost connections
//
// Genesys keeps no events for a disconnected socket. So the listener calls the callback with ""
// after each connection, and once if there has been no connection for a minute: anything may
// have changed.
//
// A socket is replaced after a network error, after its token expires, and after Genesys announces
// maintenance (then the new socket opens first). It is also replaced after 45 seconds without a
// message, if a ping has no answer within 30 more seconds. Genesys sends a heartbeat about every 30
// seconds
// (https://community.genesys.com/discussion/regarding-the-behavior-of-websocket-heartbeats?hlmlt=VT);
// the form of the ping is UNCERTAIN. The listener reconnects at once, then after pauses that double
// from a second to a minute.
//
// If the owner crashes, another replica takes over within about 40 seconds; after a regular
// shutdown within about 10.
//
// API documentation: https://developer.genesys.cloud/notificationsalerts/notifications/
package notifications
