// Package handover gives a bot's conversation to a live agent in Genesys Cloud and takes it back.
//
// A [Manager] stands between three parties: the customer (whatever channel the host has), the host's bot, and the agents of
// a Genesys Cloud organisation, reached over Open Messaging. The host asks [Manager.Forward] with everything a customer
// writes: the answer says whether the bot should reply or the message is on its way to an agent. [Manager.HandOver] asks for
// an agent, [Config.Deliver] brings the agent's words, and [Config.Return] gives the conversation back, together with what
// the customer wrote and no agent answers for.
//
// # What is promised
//
// Messages are delivered at least once in both directions, always with the same id, and once unless a process dies or
// stalls. First attempts keep their order in each direction; a repeat may come late. What a method accepted is in the
// [Store]; nothing accepted disappears without a [Notice]. The bot has the turn or an agent has it, never both: see
// [Manager.Turn].
//
// # How it knows
//
// Open Messaging never tells that an agent joined, left or ended. The Manager reads the conversation and believes only what
// it read ([genesys.Conversation.Standing]); a signal source calls [Manager.Recheck] to make it read sooner. Without any
// source it polls: every 5 s while something happens, slower and slower up to every minute. Polling alone sees the end of one
// of a thousand conversations only after minutes, so wire a signal source in production: a notifications.Listener, a handler of
// package webhook for Process Automation, EventBridge, or several of them. [Config.Notify] hears when one is lost.
//
// A read also lists what agents wrote. What no webhook brought, because the host could not be reached, is fetched and delivered in
// order, if the OAuth client may view messages; else [NoticeGap] says what is missing and which permission would bring it. Not
// of a session that ends without a read, as one that Genesys does not confirm: what is missing then is not looked for.
//
// What leads from one [State] to another is listed by [Transitions] and drawn in STATES.md beside this file. What became of one
// customer is told in words by [Manager.Explain].
//
// # Running
//
// [New] starts nothing. [Manager.Run] is the only loop: run it once in every replica. Any number of replicas may share one
// Store; each effect is claimed by a lease in the record before it is performed.
package handover
