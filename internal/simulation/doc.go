// Package simulation runs the engine of handover against everything that can go wrong, and repeats any history exactly.
//
// One seed decides all: how many replicas, customers and agents there are, what they do and when, what fails, and in which
// order tasks go on. Replicas, customers and Genesys are tasks of one scheduler with virtual time: exactly one of them runs, and
// each may lose its turn at every call of the store, of Genesys and of the host, and wherever the engine waits. So the same
// seed is the same history, and a failing one can be shrunk and read.
//
//	go test ./internal/simulation -run TestSimulation -seeds 1 -seed 42
//
// # What is simulated
//
// The engine is the real one, with the real client of package genesys; it reaches clock, chance and scheduling through
// internal/door. Store, Genesys and host are models: small, and wrong in all the ways theirs may be, see the faults in plan.go.
//
//   - Two to four replicas of one or two neighbouring releases, on one store, with one channel.
//   - Customers who call Forward, Turn, HandOver, Open, End and Forget: one to three for 1 to 5 minutes, in one seed of twenty
//     four to six for 10 to 20.
//   - Genesys: messages, receipts, reads, transfers, disconnects, revived and new conversations, webhooks on its schedule.
//     Deliver, Return and Notify that fail or are slow.
//   - Agents who write, transfer to queues and end, and by habit decline, let it ring, transfer to a colleague or to the bot queue,
//     ask one in, park and resume or do not, vanish, are looked at by a supervisor, say nothing, take minutes, wrap up late or never,
//     or stay when the customer is gone: see habits.go. Genesys ends conversations by itself.
//   - A webhook endpoint that cannot be reached for 2 to 12 minutes, and single webhooks that are lost in all attempts, see outages.go.
//     Reads list what agents and flows wrote, under the ids of webhooks or others, and it can be fetched, may not be, or just now cannot.
//   - No source of signals, one, or several, see signals.go: each may lose what it has to say, say it more than once, much later,
//     or many times at once, speak of what has not changed and of conversations that nobody knows, ask for everything to be read,
//     be dead from the beginning or die, and come back. What a signal means to say does not matter: it is a call of Recheck, at each
//     step of a conversation and also when an agent writes, and comes before the opening's answer, too.
//   - The record of the notification socket: nobody holds it, one replica does, it changes hands, or dies, see socket.go.
//
// What must hold is checked after every write, call and callback, and at the end, when everything has been healed and has come
// to rest: see the files invariants*.go, effects.go and formats.go. In three of ten seeds nobody ends anything then: agents and
// Genesys do, some time, sources stay as bad as they were, and virtual time runs until that has been seen. So two promises are held
// against what the model knows: no session ends while its customer is in the conversation, and none stays open when it has ended.
// Planted bugs in bugs*_internal_test.go show that the checks find something.
//
// # What is not
//
// Nothing here says anything about what the simulation never does:
//
//   - Messages that Genesys lists and no longer gives, or lists late or never, other than as a stale read; statuses that change.
//     Whether what is missing comes is not checked of a session that ends without a read that shows it, nor of words after that read,
//     nor where reads have other ids: there only that nothing comes twice and nothing is reported that has come.
//
//   - Structured replies (cards, buttons, postbacks), attachments, and texts so long that they are sent in parts.
//
//   - Typing, in either direction.
//
//   - Blind mode: every channel can read conversations.
//
//   - Queues looked up by name: they are given by id. Attributes, skills, languages and priorities of a request.
//
//   - Callbacks that call the Manager: Deliver, Return and Notify only answer, and customers call from outside.
//
//   - Config.Channels, many integrations and many tokens: there is one channel, so tenants, budgets and breakers never meet.
//
//   - Package webhook and the HTTP handlers: notifications reach Receive as if their signatures had been checked.
//
//   - What the notification socket and EventBridge say: it comes as calls of Recheck, and whether the socket is alive, as its
//     record. Tokens, which never expire or are refused.
//
//   - The end of what is not read, other than by our side: a session in which the bot has the word, and one whose conversation
//     nobody has named (a flow routes it, no answer names it, and no agent writes), which stays open until Timers.Max.
//
//   - Reads that show less than there is, or what never was: they only show what was, up to 3 s ago. Conversations that Genesys
//     forgets. Supervisors who coach or barge in, conferences, and callbacks.
//
//   - Inner retries and limits of the client, real stores (see handover/storetest), and real concurrency: a data race shows under
//     go test -race of package handover, not here.
//
//   - Openings and transfers that are refused, queues that do not exist, full lanes, a host that is down for minutes or a Genesys for
//     a quarter of an hour, webhooks that are older or name no conversation, and failed receipts from Genesys.
//
//   - Clocks that jump; those of replicas differ by up to 4 s. A release that is replaced by the next one in the middle.
//
// Genesys is modelled as it is documented and was seen, and where that is uncertain (whether a repeated message is dropped,
// whether a message after the end revives the conversation, whether an answer names the conversation) seeds try both. A green run
// says that the engine keeps its promises against the model.
package simulation
