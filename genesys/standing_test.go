package genesys_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// leg builds participants: times are seconds after the opening, negative means none.
func leg(purpose, state string, start, connected, end int, change ...func(*genesys.Participant)) genesys.Participant {
	moment := func(s int) time.Time {
		if s < 0 {
			return time.Time{}
		}
		return at(0, 0).Add(time.Duration(s) * time.Second)
	}
	p := genesys.Participant{
		ID: purpose, Purpose: purpose, State: state, Start: moment(start), Connected: moment(connected), End: moment(end),
	}
	for _, f := range change {
		f(&p)
	}
	return p
}

func why(t string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.DisconnectType = t }
}

func in(queue string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.QueueID = queue }
}

func named(name string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.Name = name }
}

func wrapup(done bool) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.WrapupRequired, p.WrapupDone = true, done }
}

func before(d time.Duration) func(*genesys.Participant) {
	return func(p *genesys.Participant) {
		p.Start, p.Connected, p.End = at(0, 0).Add(-d-time.Hour), at(0, 0).Add(-d-time.Hour), at(0, 0).Add(-d)
	}
}

func timeless(p *genesys.Participant) {
	p.Start, p.Connected, p.End = time.Time{}, time.Time{}, time.Time{}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	customer := leg("customer", "connected", 0, 0, -1)
	flowDone := leg("workflow", "disconnected", 0, 0, 1, why("transfer"))
	botQueueDone := leg("acd", "disconnected", 1, 1, 2, why("transfer"), in("bot"))
	queue := leg("acd", "connected", 2, 2, -1, in("support"))
	queueDone := leg("acd", "disconnected", 2, 2, 20, why("transfer"), in("support"))
	agent := leg("agent", "connected", 15, 20, -1, named("Grace"), in("support"))
	gone := func(t string) genesys.Participant { return leg("customer", "disconnected", 0, 0, 60, why(t)) }
	agentLeft := leg("agent", "disconnected", 15, 20, 60, why("client"), named("Grace"), in("support"))

	type want struct {
		phase                      genesys.Phase
		queue, agent, endedBy, why string
	}
	tests := map[string]struct {
		legs []genesys.Participant
		want want
	}{
		"nobody at all":             {nil, want{phase: genesys.PhaseUnknown}},
		"only the customer":         {legs(customer), want{phase: genesys.PhaseNotRouted}},
		"the customer as external":  {legs(leg("external", "connected", 0, 0, -1)), want{phase: genesys.PhaseNotRouted}},
		"customer by end time only": {legs(leg("customer", "", 0, 0, -1)), want{phase: genesys.PhaseNotRouted}},
		"a flow":                    {legs(customer, leg("workflow", "connected", 0, 0, -1)), want{phase: genesys.PhaseFlow}},
		"an ivr":                    {legs(customer, leg("ivr", "connected", 0, 0, -1)), want{phase: genesys.PhaseFlow}},
		"a bot flow":                {legs(customer, leg("botflow", "", 0, 0, -1)), want{phase: genesys.PhaseFlow}},
		"the flow went nowhere":     {legs(customer, leg("workflow", "disconnected", 0, 0, 1, why("client"))), want{phase: genesys.PhaseNotRouted}},
		"somebody new to us":        {legs(customer, leg("robot-dog", "connected", 0, 0, -1)), want{phase: genesys.PhaseNotRouted}},
		"the bot queue":             {legs(customer, flowDone, leg("acd", "connected", 1, 1, -1, in("bot"))), want{phase: genesys.PhaseQueued, queue: "bot"}},
		"a queue that alerts":       {legs(customer, leg("acd", "alerting", 1, -1, -1, in("bot"))), want{phase: genesys.PhaseQueued, queue: "bot"}},
		"a queue in a new state":    {legs(customer, leg("acd", "levitating", 1, -1, -1, in("bot"))), want{phase: genesys.PhaseQueued, queue: "bot"}},
		"a queue and its flow":      {legs(customer, queue, leg("workflow", "connected", 3, 3, -1)), want{phase: genesys.PhaseQueued, queue: "support"}},
		"transferred to a queue":    {legs(customer, flowDone, botQueueDone, queue), want{phase: genesys.PhaseQueued, queue: "support"}},
		"two queues: the newest":    {legs(customer, queue, leg("acd", "connected", 1, 1, -1, in("bot"))), want{phase: genesys.PhaseQueued, queue: "support"}},
		"between two queues":        {legs(customer, flowDone, botQueueDone), want{phase: genesys.PhaseUnknown}},
		"alerting":                  {legs(customer, queue, leg("agent", "alerting", 10, -1, -1, named("Grace"), in("support"))), want{phase: genesys.PhaseAlerting, queue: "support", agent: "Grace"}},
		"alerting, queue of the acd": {
			legs(customer, queue, leg("agent", "contacting", 10, -1, -1, named("Grace"))),
			want{phase: genesys.PhaseAlerting, queue: "support", agent: "Grace"},
		},
		"an agent in a new state": {legs(customer, queue, leg("agent", "blinking", 10, -1, -1, named("Grace"))), want{phase: genesys.PhaseAlerting, queue: "support", agent: "Grace"}},
		"declined": {
			legs(customer, queue, leg("agent", "disconnected", 10, -1, 12, why("transfer.noanswer"), named("Grace"))),
			want{phase: genesys.PhaseQueued, queue: "support"},
		},
		"declined, and another alerts": {
			legs(customer, queue, leg("agent", "disconnected", 10, -1, 12, why("client")), leg("agent", "alerting", 13, -1, -1, named("Lin"))),
			want{phase: genesys.PhaseAlerting, queue: "support", agent: "Lin"},
		},
		"connected":           {legs(customer, flowDone, queueDone, agent), want{phase: genesys.PhaseConnected, queue: "support", agent: "Grace"}},
		"connected as a user": {legs(customer, leg("user", "connected", 15, 20, -1, named("Grace"))), want{phase: genesys.PhaseConnected, agent: "Grace"}},
		"connected, the queue's leg not closed yet": {legs(customer, queue, agent), want{phase: genesys.PhaseConnected, queue: "support", agent: "Grace"}},
		"consult: the first keeps it": {
			legs(customer, queueDone, leg("agent", "connected", 30, 35, -1, named("Lin")), agent),
			want{phase: genesys.PhaseConnected, queue: "support", agent: "Grace"},
		},
		"consult alerting": {
			legs(customer, queueDone, agent, leg("agent", "alerting", 30, -1, -1, named("Lin"))),
			want{phase: genesys.PhaseConnected, queue: "support", agent: "Grace"},
		},
		"transferred to an agent": {
			legs(customer, queueDone, leg("agent", "disconnected", 15, 20, 40, why("transfer"), named("Grace")), leg("agent", "connected", 40, 41, -1, named("Lin"), in("vip"))),
			want{phase: genesys.PhaseConnected, queue: "vip", agent: "Lin"},
		},
		"transferred by the agent to another queue": {
			legs(customer, queueDone, leg("agent", "disconnected", 15, 20, 40, why("transfer"), wrapup(false)), leg("acd", "connected", 40, 40, -1, in("vip"))),
			want{phase: genesys.PhaseQueued, queue: "vip"},
		},
		"the agent left, the next place is not there yet": {
			legs(customer, queueDone, leg("agent", "disconnected", 15, 20, 40, why("transfer"))), want{phase: genesys.PhaseUnknown},
		},
		"parked": {legs(customer, queueDone, leg("agent", "parked", 15, 20, -1, named("Grace"))), want{phase: genesys.PhaseParked, agent: "Grace"}},
		"ended by the agent": {
			legs(gone("peer"), queueDone, agentLeft), want{phase: genesys.PhaseEnded, endedBy: "agent", why: "client"},
		},
		"ended by the agent, the customer's leg says system": {
			legs(gone("system"), queueDone, agentLeft), want{phase: genesys.PhaseEnded, endedBy: "agent", why: "client"},
		},
		"ended by the agent, wrap-up pending": {
			legs(gone("peer"), queueDone, leg("agent", "disconnected", 15, 20, 60, why("client"), named("Grace"), wrapup(false))),
			want{phase: genesys.PhaseWrapup, agent: "Grace", endedBy: "agent", why: "client"},
		},
		"wrap-up done": {
			legs(gone("peer"), queueDone, leg("agent", "disconnected", 15, 20, 60, why("client"), wrapup(true))),
			want{phase: genesys.PhaseEnded, endedBy: "agent", why: "client"},
		},
		"ended by the customer": {
			legs(gone("client"), queueDone, leg("agent", "disconnected", 15, 20, 60, why("peer"))),
			want{phase: genesys.PhaseEnded, endedBy: "customer", why: "client"},
		},
		"ended by the customer's endpoint": {legs(gone("endpoint"), queueDone), want{phase: genesys.PhaseEnded, endedBy: "customer", why: "endpoint"}},
		"the customer left, the agent is still there": {
			legs(gone("client"), queueDone, agent),
			want{phase: genesys.PhaseWrapup, queue: "support", agent: "Grace", endedBy: "customer", why: "client"},
		},
		"the customer left while an agent was called": {
			legs(gone("client"), queue, leg("agent", "alerting", 10, -1, -1, named("Grace"))),
			want{phase: genesys.PhaseEnded, endedBy: "customer", why: "client"},
		},
		"inactivity":           {legs(gone("inactivity"), queueDone, agentLeft), want{phase: genesys.PhaseEnded, why: "inactivity"}},
		"the system":           {legs(gone("system"), queueDone), want{phase: genesys.PhaseEnded, why: "system"}},
		"the session expired":  {legs(gone("session.expired"), queueDone), want{phase: genesys.PhaseEnded, why: "session.expired"}},
		"ended by the flow":    {legs(gone("peer"), leg("workflow", "disconnected", 0, 0, 60, why("client"))), want{phase: genesys.PhaseEnded, endedBy: "workflow", why: "client"}},
		"nobody says who":      {legs(gone("")), want{phase: genesys.PhaseEnded}},
		"declined long before": {legs(gone("system"), queueDone, leg("agent", "disconnected", 10, -1, 12, why("client"))), want{phase: genesys.PhaseEnded, why: "system"}},
		"terminated is an end": {legs(leg("customer", "terminated", 0, 0, 60)), want{phase: genesys.PhaseEnded}},
		"no customer is listed, and an unknown sort is live": {legs(queueDone, leg("robot-dog", "connected", 3, 3, -1)), want{phase: genesys.PhaseUnknown}},
		"no customer is listed":                              {legs(agent), want{phase: genesys.PhaseConnected, queue: "support", agent: "Grace"}},
		"no customer is listed, all ended": {
			legs(queueDone, agentLeft), want{phase: genesys.PhaseEnded, endedBy: "agent", why: "client"},
		},
		"revived: the old ones do not count": {
			legs(
				leg("customer", "disconnected", 0, 0, 0, why("peer"), before(time.Hour)),
				leg("agent", "disconnected", 0, 0, 0, why("client"), before(time.Hour), wrapup(false)),
				customer, leg("acd", "connected", 1, 1, -1, in("bot")),
			), want{phase: genesys.PhaseQueued, queue: "bot"},
		},
		"revived, but the read is older": {
			legs(
				leg("customer", "disconnected", 0, 0, 0, why("peer"), before(time.Hour)),
				leg("agent", "disconnected", 0, 0, 0, why("client"), before(time.Hour)),
			), want{phase: genesys.PhaseUnknown},
		},
		"an older read with the old agent still at work": {
			legs(leg("customer", "disconnected", 0, 0, 0, why("client"), before(time.Minute)), agent), want{phase: genesys.PhaseUnknown},
		},
		"six seconds before: old":      {legs(leg("customer", "disconnected", 0, 0, 0, before(6*time.Second))), want{phase: genesys.PhaseUnknown}},
		"four seconds before: counts":  {legs(leg("customer", "disconnected", 0, 0, 0, before(4*time.Second))), want{phase: genesys.PhaseEnded}},
		"ended, but no time says when": {legs(leg("customer", "disconnected", 0, 0, 0, timeless)), want{phase: genesys.PhaseUnknown}},
		"revived: the new customer decides": {
			legs(gone("peer"), leg("customer", "connected", 70, 70, -1), leg("acd", "connected", 71, 71, -1, in("bot"))),
			want{phase: genesys.PhaseQueued, queue: "bot"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := genesys.Conversation{Participants: tt.legs}
			s := c.Standing(at(0, 0))
			require.Equal(t, tt.want, want{s.Phase, s.QueueID, s.Agent.Name, s.EndedBy, s.Why})
			// The order of the participants says nothing.
			reversed := make([]genesys.Participant, 0, len(tt.legs))
			for _, p := range tt.legs {
				reversed = append([]genesys.Participant{p}, reversed...)
			}
			require.Equal(t, s, genesys.Conversation{Participants: reversed}.Standing(at(0, 0)))
		})
	}
}

func legs(p ...genesys.Participant) []genesys.Participant { return p }

func TestStandingSinceEver(t *testing.T) {
	t.Parallel()
	c := genesys.Conversation{Participants: legs(leg("customer", "disconnected", 0, 0, 0, why("client"), timeless))}
	s := c.Standing(time.Time{})
	require.Equal(t, genesys.PhaseEnded, s.Phase)
	require.Equal(t, "customer", s.EndedBy)
	ended := genesys.Conversation{Participants: legs(leg("customer", "disconnected", 0, 0, 60, why("client")))}
	require.Equal(t, at(1, 0), ended.Standing(time.Time{}).EndedAt)
}

func TestConversationJSONIsLenient(t *testing.T) {
	t.Parallel()
	var c genesys.Conversation
	require.NoError(t, json.Unmarshal([]byte(`{"id":"c","surprise":[1],"inactivityTimeout":12,"participants":[
		{"id":"p","purpose":"agent","state":"connected","startTime":"yesterday","connectedTime":"2026-11-22T10:00:00.000+0000",
		 "attributes":{"a":"b","n":1,"o":{}},"conversationRoutingData":{"queue":{"id":"q"}},"user":{"id":"u","name":"Grace"},
		 "wrapupRequired":true,"wrapup":{"code":"x"}},
		{"id":"g","purpose":"customer","attributes":null,"queueId":"gq","userId":"gu","messages":[
			{"id":"k1","state":"disconnected","disconnectType":"peer"},
			{"id":"k2","state":"connected","peerId":"k9","messages":[{"messageId":"m","messageStatus":"received"}]}, {}]}]}`), &c))
	p, g := c.Participants[0], c.Participants[1]
	require.Equal(t, []string{"Grace", "q", "u"}, []string{p.Name, p.QueueID, p.UserID})
	require.True(t, p.Start.IsZero())
	require.Equal(t, at(0, 0), p.Connected)
	require.Equal(t, map[string]string{"a": "b"}, p.Attributes)
	require.True(t, p.WrapupDone)
	require.Equal(t, []string{"gq", "gu", "connected", ""}, []string{g.QueueID, g.UserID, g.State, g.DisconnectType})
	require.Equal(t, []genesys.Communication{{ID: "k1", State: "disconnected", DisconnectType: "peer"}, {ID: "k2", State: "connected", Peer: "k9"}}, g.Communications)
	require.Equal(t, []genesys.MessageRef{{ID: "m", Status: "received"}}, g.Messages)
	require.Error(t, json.Unmarshal([]byte(`{"participants":[{"state":7}]}`), &c), "who is there must be readable")
}

func FuzzStanding(f *testing.F) {
	f.Add([]byte(load(f, "conversations.get").Response.Body), int64(0))
	f.Add([]byte(`{"participants":[{"purpose":"customer","state":"disconnected","endTime":"2026-11-22T10:00:00Z"},{"purpose":"agent","state":"parked"}]}`), int64(1_795_341_600))
	f.Add([]byte(`{"participants":[{"purpose":"agent","monitoredParticipant":{"id":"p"},"mediaRoles":["monitor"]},{"purpose":"customer","mediaRoles":7}]}`), int64(0))
	f.Add([]byte(`{"participants":[{},{"messages":[{"id":"x","messages":[{"messageId":"y"}]}]},null]}`), int64(-1))
	f.Fuzz(func(t *testing.T, body []byte, since int64) {
		var c genesys.Conversation
		if json.Unmarshal(body, &c) != nil {
			return
		}
		s := c.Standing(time.Unix(since%4_000_000_000, 0))
		require.NotEmpty(t, s.Phase)
		if s.Phase == genesys.PhaseEnded || s.Phase == genesys.PhaseWrapup {
			for _, p := range c.Participants {
				require.False(t, p.IsCustomer() && p.Live(), "ended under a live customer")
			}
		}
		if s.Phase == genesys.PhaseConnected {
			require.True(t, s.Agent.IsAgent() && s.Agent.Live() && !strings.EqualFold(s.Agent.State, "parked"))
		}
	})
}
