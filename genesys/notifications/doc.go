// Package notifications listens to the Genesys Notifications API over a WebSocket, and says which conversation to look at
// again. It carries hints, not truth: events get lost, come late and mislead, since a reject, a requeue and a transfer look
// like an end. So nothing of an event but the conversation's id is passed on, and whoever gets it reads the conversation.
//
//	listener, err := notifications.New(client,
//		[]notifications.Topic{notifications.QueueMessages(queueID)},
//		notifications.WithOwner(desk.SocketOwner("")))
//	…
//	go func() { _ = listener.Run(ctx, desk.Recheck) }()
//
// Run it in every replica, beside Manager.Run. Polls go on, so a handover needs no listener: it sees an end
// within seconds with one, and within its polls without.
//
// # Which topics
//
// One [QueueMessages] for each queue that agents answer from. It tells of every conversation in the queue, so there is
// nothing to subscribe to when one begins. A conversation that is transferred is announced on the topic of its new queue, so
// list all queues it can come into; what an agent does with one that came from elsewhere is seen in [UserMessages].
// [ConversationEnd] and its like are one topic for each conversation: see there.
//
// Whether client credentials may subscribe is not documented, but official samples do, for topics of queues, users and
// conversations. Permissions are UNCERTAIN: a queue's topic seems to ask for a view of conversations or of the
// queue, a conversation's for Analytics > Conversation Detail > View. Genesys names what is missing, and so does the event
// [Rejected]. The other topics work all the same, and those that were rejected are tried again every ten minutes.
//
// # Limits
//
// Of Genesys, by https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/NotificationsApi.md and
// https://github.com/MyPureCloud/developer-center-blog/blob/1e5c598/source/2021-12-02-Event-Streaming-In-Action/index.md :
//
//   - 1,000 topics for a channel ([MaxTopics]),
//   - 20 channels for an OAuth client; one more removes the oldest, those without a socket first. A listener makes one, all
//     replicas of an [Owner] together make one, and a new one only when Genesys no longer knows it, at most one a minute,
//   - one socket for a channel: the newest closes the one before, which is what makes a change of owner safe,
//   - 24 hours of life for a channel, from its last subscription: it is subscribed again after about 12.
//
// Of this package: messages up to 1 MiB, 8 calls at once, 10,000 conversations that wait.
//
// # When it is lost
//
// Genesys keeps no events for a socket that is away. So after each connection, and once when there has been none for a
// minute, the callback gets "", which means that anything may have changed. A socket is away when the network says so,
// when the token it was made with expires, when maintenance was announced (the next one is opened first),
// and when nothing came for 45 seconds and a ping was not answered for 30 more; Genesys sends a heartbeat every 30 or so:
// https://community.genesys.com/discussion/regarding-the-behavior-of-websocket-heartbeats?hlmlt=VT (the form of the ping is
// UNCERTAIN). It is opened again at once, then after pauses that double from a second to a minute.
//
// An owner that is gone is replaced within some 40 seconds, one that ended in order within some 10.
//
// About the API: https://developer.genesys.cloud/notificationsalerts/notifications/
package notifications
