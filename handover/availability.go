package handover

import (
	"context"
	"time"
)

// An Availability describes what a customer who asks for an agent can expect of a queue. It is an
// estimate and up to half a minute old. A nil field is unknown, which means neither "no agents" nor
// "no wait".
type Availability struct {
	// Agents is the number of members who serve the queue: they have joined it and their routing
	// status is idle, interacting or communicating, so some of them may be busy. Members with
	// OFF_QUEUE or NOT_RESPONDING do not count, because Genesys offers them no conversations until
	// they return. It is unknown if a member's status cannot be read, or if the queue has more than
	// 500 members.
	Agents *int

	// Wait is how long Genesys estimates that a message waits in the queue. There is no estimate
	// for a queue that has been quiet. UNCERTAIN whether Genesys estimates for a queue without
	// agents: a Wait does not promise an agent.
	Wait *time.Duration
}

// Availability returns how many agents serve a queue and how long a message waits. queue is an
// exact name or an id; empty means the channel's AgentQueue. Availability returns within 4 seconds.
// A field that Genesys refuses, or does not return in that time, is nil. An answer is cached for
// half a minute, and one request serves all callers in that time, so a host may call Availability
// for every customer. It never spends the part of the rate limit that messages need: if only that
// is left, the fields are nil.
//
// It needs Routing > Queue > View. A missing permission makes a field nil and is logged once; no
// handover waits for this or fails because of it.
//
// Errors: [ErrNoQueue] with the nearest names, [ErrNoChannel], the error of [Config.Channels], and
// that of ctx. It is safe for concurrent use.
//
// See https://developer.genesys.cloud/routing/routing/
func (m *Manager) Availability(ctx context.Context, channel, queue string) (Availability, error) {
	a, err := m.engine.Availability(ctx, channel, queue)
	return Availability(a), err
}
