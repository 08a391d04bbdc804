// Package handover hands a bot's conversation over to a live agent in Genesys Cloud and takes it
// back.
//
// A [Manager] connects three parties: the customer, on a channel of the host; the host's bot; and
// the agents of a Genesys Cloud organisation, over Open Messaging.
//
//   - [Manager.Forward] takes every message of the customer and returns who has the turn. The
//     message is on the way to the agents, or the bot answers it.
//   - [Manager.Reply] sends the bot's answer, if the bot still has the turn.
//   - [Manager.HandOver] requests an agent. [Manager.Open] puts the conversation into the bot queue
//     first, while the bot still answers.
//   - [Config.Deliver] sends an agent's message to the customer.
//   - [Config.Return] hands the conversation back to the bot, with the messages of the customer
//     that no agent answered.
//   - [Config.Notify] reports the steps in between.
//
// # Promises
//
// What a method accepted is in the [Store]. Nothing accepted disappears without a [Notice].
// Delivery is at least once in both directions, always with the same id. It is once, unless a
// process dies or stalls, an outcome is unknown, or a callback fails. First attempts are in order
// in each direction; a retry may arrive late. The bot or the agents have the turn, never both: see
// [Manager.Turn].
//
// Errors that no retry heals are [ErrInvalid]. After any other error the caller repeats the same
// call with the same id.
//
// # Reads and signals
//
// Open Messaging does not report that an agent joined, left or ended the conversation. The Manager
// reads the conversation, and only the result ([genesys.Conversation.Standing]) moves a session. A
// signal source calls [Manager.Recheck], so that the Manager reads sooner. Without a source it
// polls: every 5 s after a change, then less and less often, down to once a minute. With a thousand
// open sessions, polling alone sees an end after minutes. So use a signal source in production: a
// notifications.Listener, or the handlers of package webhook for Process Automation and
// EventBridge. [NoticeConnectionLost] reports that a source is gone.
//
// Where the OAuth client may not read conversations, messages and timers replace the read, and
// [Manager.Ended] ends a session.
//
// A read also lists the messages of agents. What no webhook delivered is fetched and delivered in
// order, if the OAuth client may view messages. Otherwise [NoticeGap] names the permission.
// Sessions that ended without a confirmation of Genesys are not checked for missing messages.
//
// [Transitions] lists all changes between the values of [State]; STATES.md in this directory shows
// them as a diagram. [Manager.Explain] describes what happened to one customer.
//
// # Running
//
// [New] starts nothing. [Manager.Run] is the only loop; run it once in every replica. Any number of
// replicas may share one Store: each effect is claimed by a lease in the record before it is
// performed. [Seal] encrypts what a Store keeps.
//
// # Contents and imports
//
// This package contains the exported types, their conversion to the types of the engine
// (convert.go), the in-memory store and Seal. The rules are in handover/internal: environment,
// machine, record, account and engine, lowest first. It imports region, genesys,
// genesys/openmessaging and webhook, and no WebSocket.
package handover
