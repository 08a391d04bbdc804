package genesys_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

func user(id, name string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.UserID, p.Name = id, name }
}

func watching(p *genesys.Participant) { p.Watching = true }

// The life of a conversation, in the order in which reads may show it, with the agent's id and
// name.
func TestStandingThroughALife(t *testing.T) {
	t.Parallel()
	customer := leg("customer", "connected", 0, 0, -1)
	gone := func(t string) genesys.Participant { return leg("customer", "disconnected", 0, 0, 60, why(t)) }
	start := legs(
		leg("workflow", "disconnected", 0, 0, 1, why("transfer")), leg("acd", "disconnected", 1, 1, 2, why("transfer"), in("bot")),
	)
	queued := leg("acd", "disconnected", 2, 2, 20, why("transfer"), in("support"))
	grace, lin, sup := user("u1", "Grace"), user("u2", "Lin"), user("u9", "Sup")
	connected := leg("agent", "connected", 15, 20, -1, grace, in("support"))
	watcher := leg("agent", "connected", 16, 16, -1, sup, in("support"), watching)
	left := func(change ...func(*genesys.Participant)) genesys.Participant {
		return leg("agent", "disconnected", 15, 20, 60, append([]func(*genesys.Participant){grace, in("support")}, change...)...)
	}

	type want struct {
		phase                               genesys.Phase
		queue, id, agent, endedBy, whyEnded string
	}
	tests := map[string]struct {
		legs []genesys.Participant
		want want
	}{
		"no answer, asked again from a new leg of the queue": {
			legs(customer, queued, leg("agent", "disconnected", 10, -1, 20, why("transfer.noanswer"), grace), leg("acd", "connected", 20, 20, -1, in("support"))),
			want{phase: genesys.PhaseQueued, queue: "support"},
		},
		"declined by one who does not want to be disturbed": {
			legs(customer, leg("acd", "connected", 2, 2, -1, in("support")), leg("agent", "disconnected", 10, -1, 11, why("endpoint.donotdisturb"), grace)),
			want{phase: genesys.PhaseQueued, queue: "support"},
		},
		"transferred to an agent, who is called": {
			legs(customer, queued, leg("agent", "disconnected", 15, 20, 40, why("transfer"), grace), leg("agent", "alerting", 40, -1, -1, lin, in("support"))),
			want{genesys.PhaseAlerting, "support", "u2", "Lin", "", ""},
		},
		"consulted, and the first has left": {
			legs(customer, queued, leg("agent", "disconnected", 15, 20, 50, why("transfer.consult"), grace), leg("agent", "connected", 30, 35, -1, lin, in("support"))),
			want{genesys.PhaseConnected, "support", "u2", "Lin", "", ""},
		},
		"taken over": {
			legs(customer, queued, leg("agent", "disconnected", 15, 20, 50, why("takeover"), grace), leg("agent", "connected", 50, 50, -1, lin, in("support"))),
			want{genesys.PhaseConnected, "support", "u2", "Lin", "", ""},
		},
		"parked, and another is called": {
			legs(customer, queued, leg("agent", "parked", 15, 20, -1, grace, in("support")), leg("agent", "alerting", 30, -1, -1, lin)),
			want{genesys.PhaseParked, "support", "u1", "Grace", "", ""},
		},
		"watched": {
			legs(customer, queued, connected, watcher), want{genesys.PhaseConnected, "support", "u1", "Grace", "", ""},
		},
		"watched by one who was there first": {
			legs(customer, queued, connected, leg("agent", "connected", 5, 5, -1, sup, watching)),
			want{genesys.PhaseConnected, "support", "u1", "Grace", "", ""},
		},
		"watched while it is parked": {
			legs(customer, queued, leg("agent", "parked", 15, 20, -1, grace, in("support")), watcher),
			want{genesys.PhaseParked, "support", "u1", "Grace", "", ""},
		},
		"watched while the agent is called": {
			legs(customer, leg("acd", "connected", 2, 2, -1, in("support")), leg("agent", "alerting", 10, -1, -1, grace, in("support")), watcher),
			want{genesys.PhaseAlerting, "support", "u1", "Grace", "", ""},
		},
		"the watcher is still there when the agent has transferred it": {
			legs(customer, queued, left(why("transfer")), leg("acd", "connected", 60, 60, -1, in("vip")), watcher),
			want{phase: genesys.PhaseQueued, queue: "vip"},
		},
		"nobody but a watcher": {legs(customer, queued, left(why("transfer")), watcher), want{phase: genesys.PhaseUnknown}},
		"a watcher is no routing": {
			legs(customer, watcher), want{phase: genesys.PhaseNotRouted},
		},
		"the watcher is called, and that is no call of the conversation": {
			legs(customer, leg("acd", "connected", 2, 2, -1, in("support")), leg("agent", "alerting", 10, -1, -1, sup, watching)),
			want{phase: genesys.PhaseQueued, queue: "support"},
		},
		"over, and the watcher still looks": {
			legs(gone("peer"), queued, left(why("client")), watcher),
			want{phase: genesys.PhaseEnded, endedBy: "agent", whyEnded: "client"},
		},
		"over, and the watcher leaves last": {
			legs(gone("system"), queued, leg("agent", "disconnected", 16, 16, 60, why("client"), sup, watching, wrapup(false))),
			want{phase: genesys.PhaseEnded, whyEnded: "system"},
		},
		"ended by the customer, wrap-up pending": {
			legs(gone("client"), queued, left(why("peer"), wrapup(false))),
			want{genesys.PhaseWrapup, "support", "u1", "Grace", "customer", "client"},
		},
		"inactivity, wrap-up pending": {
			legs(gone("inactivity"), queued, left(why("inactivity"), wrapup(false))),
			want{genesys.PhaseWrapup, "support", "u1", "Grace", "", "inactivity"},
		},
		"inactivity in the queue": {legs(gone("inactivity"), queued), want{phase: genesys.PhaseEnded, whyEnded: "inactivity"}},
		"an error":                {legs(gone("error"), queued, left(why("error"))), want{phase: genesys.PhaseEnded, whyEnded: "error"}},
		"the transport failed":    {legs(gone("transport.failure"), queued, left(why("peer"))), want{phase: genesys.PhaseEnded, whyEnded: "transport.failure"}},
		"a timeout":               {legs(gone("timeout"), queued, left(why("peer"))), want{phase: genesys.PhaseEnded, whyEnded: "timeout"}},
		"spam":                    {legs(gone("spam"), queued, left(why("peer"))), want{phase: genesys.PhaseEnded, whyEnded: "spam"}},
		"revived, and nothing has come of it yet": {
			legs(
				leg("customer", "disconnected", 0, 0, 0, why("peer"), before(1)), leg("acd", "disconnected", 0, 0, 0, why("transfer"), before(1<<40), in("support")),
				leg("agent", "disconnected", 0, 0, 0, why("client"), before(1<<40), grace, wrapup(false)), customer,
			), want{phase: genesys.PhaseNotRouted},
		},
		"revived, with everybody of the first life": {
			append(legs(
				leg("customer", "disconnected", 0, 0, 0, why("peer"), before(1<<40)), leg("acd", "disconnected", 0, 0, 0, why("transfer"), before(1<<40), in("support")),
				leg("agent", "disconnected", 0, 0, 0, why("client"), before(1<<40), grace, wrapup(true)),
				leg("agent", "disconnected", 0, 0, 0, why("client"), before(1<<40), sup, watching), customer, queued,
				leg("agent", "connected", 15, 20, -1, lin, in("support")),
			), start...), want{genesys.PhaseConnected, "support", "u2", "Lin", "", ""},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := genesys.Conversation{Participants: tt.legs}.Standing(at(0, 0))
			require.Equal(t, tt.want, want{s.Phase, s.QueueID, s.Agent.UserID, s.Agent.Name, s.EndedBy, s.Why})
		})
	}
}

// A participant watches if it names one that it monitors or coaches, or has such roles, and has no
// other role.
func TestWatchingIsRead(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{
		`"monitoredParticipantId":"p1"`:                                 true,
		`"monitoredParticipant":{"id":"p1","selfUri":"/x"}`:             true,
		`"monitoredParticipant":"p1"`:                                   true,
		`"coachedParticipantId":"p1"`:                                   true,
		`"coachedParticipant":{"id":"p1"}`:                              true,
		`"mediaRoles":["monitor"]`:                                      true,
		`"mediaRoles":["Monitor","coach"]`:                              true,
		`"mediaRoles":["full"]`:                                         false,
		`"mediaRoles":["full","monitor"]`:                               false,
		`"mediaRoles":[]`:                                               false,
		`"mediaRoles":"monitor"`:                                        false,
		`"mediaRoles":[7,null]`:                                         false,
		`"monitoredParticipantId":null,"monitoredParticipant":null`:     false,
		`"monitoredParticipantId":7,"monitoredParticipant":[1]`:         false,
		`"monitoredParticipantId":""`:                                   false,
		`"monitoredParticipantId":"p1","mediaRoles":["monitor"]`:        true,
		`"monitoredParticipantId":"p1","mediaRoles":["monitor","full"]`: false,
		`"coachedParticipantId":"p1","mediaRoles":["full"]`:             false,
		`"monitoredParticipantId":"p1","bargedParticipantId":"p1"`:      false,
		`"mediaRoles":["monitor"],"bargedParticipantId":"p1"`:           false,
	} {
		var p genesys.Participant
		require.NoError(t, json.Unmarshal([]byte(`{"id":"p9","purpose":"agent","state":"connected",`+fields+`}`), &p), fields)
		require.Equal(t, want, p.Watching, fields)
		require.Equal(t, !want, p.IsAgent(), fields)
	}
}

// A supervisor who takes over may keep the monitoring leg, with or without another role, or get a
// separate leg.
func TestStandingAfterATakeover(t *testing.T) {
	t.Parallel()
	const (
		customer = `{"id":"c","purpose":"customer","state":"connected","startTime":"2026-11-22T10:00:00Z"}`
		grace    = `{"id":"g","purpose":"agent","state":"connected","user":{"id":"Grace"},"connectedTime":"2026-11-22T10:00:20Z"}`
		taken    = `{"id":"g","purpose":"agent","state":"disconnected","disconnectType":"takeover","user":{"id":"Grace"},
			"connectedTime":"2026-11-22T10:00:20Z","endTime":"2026-11-22T10:00:50Z"}`
		left = `{"id":"g","purpose":"agent","state":"disconnected","disconnectType":"client","user":{"id":"Grace"},
			"connectedTime":"2026-11-22T10:00:20Z","endTime":"2026-11-22T10:00:50Z"}`
	)
	supervisor := func(state, fields string) string {
		return `,{"id":"s","purpose":"agent","user":{"id":"Sup"},"startTime":"2026-11-22T10:00:30Z","connectedTime":"2026-11-22T10:00:30Z",
			"state":"` + state + `",` + fields + `}`
	}
	for name, tt := range map[string]struct {
		others string
		phase  genesys.Phase
		agent  string
	}{
		"monitors":                        {grace + supervisor("connected", `"monitoredParticipantId":"g"`), genesys.PhaseConnected, "Grace"},
		"coaches":                         {grace + supervisor("connected", `"mediaRoles":["coach"]`), genesys.PhaseConnected, "Grace"},
		"monitors, and the agent left":    {left + supervisor("connected", `"monitoredParticipantId":"g"`), genesys.PhaseUnknown, ""},
		"monitors a third":                {taken + supervisor("connected", `"monitoredParticipantId":"x"`), genesys.PhaseUnknown, ""},
		"took over in the monitoring leg": {taken + supervisor("connected", `"monitoredParticipantId":"g"`), genesys.PhaseConnected, "Sup"},
		"took over, by the role alone":    {taken + supervisor("connected", `"mediaRoles":["monitor"]`), genesys.PhaseConnected, "Sup"},
		"took over with another role":     {taken + supervisor("connected", `"monitoredParticipantId":"g","mediaRoles":["monitor","full"]`), genesys.PhaseConnected, "Sup"},
		"took over in a leg of its own":   {taken + supervisor("connected", `"mediaRoles":["full"]`), genesys.PhaseConnected, "Sup"},
		"took over while it coached":      {taken + supervisor("connected", `"coachedParticipant":{"id":"g"}`), genesys.PhaseConnected, "Sup"},
		"left before the takeover": {
			taken + supervisor("disconnected", `"monitoredParticipantId":"g","endTime":"2026-11-22T10:00:40Z"`), genesys.PhaseUnknown, "",
		},
		"was taken over by a third": {
			taken + supervisor("disconnected", `"monitoredParticipantId":"g","disconnectType":"takeover","endTime":"2026-11-22T10:00:55Z"`) +
				`,{"id":"t","purpose":"user","state":"connected","user":{"id":"Third"},"monitoredParticipantId":"s"}`, genesys.PhaseConnected, "Third",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c genesys.Conversation
			require.NoError(t, json.Unmarshal([]byte(`{"participants":[`+customer+","+tt.others+`]}`), &c))
			s := c.Standing(at(0, 0))
			require.Equal(t, tt.phase, s.Phase)
			require.Equal(t, tt.agent, s.Agent.UserID)
		})
	}
}

// A customer whom the agents left is alone since the last of them, or the last queue, left.
func TestStandingOfAnAbandonedCustomer(t *testing.T) {
	t.Parallel()
	customer := leg("customer", "connected", 0, 0, -1)
	queue := leg("acd", "disconnected", 2, 2, 20, in("support"))
	agent := leg("agent", "disconnected", 15, 20, 60, why("client"))
	for name, tt := range map[string]struct {
		legs  []genesys.Participant
		since int // seconds; 0: not alone
	}{
		"the agent left":                   {legs(customer, queue, agent), 60},
		"and then the queue let go":        {legs(customer, queue, agent, leg("acd", "disconnected", 60, 60, 90, in("vip"))), 90},
		"and another one did not answer":   {legs(customer, queue, agent, leg("agent", "disconnected", 70, -1, 80)), 80},
		"a supervisor still watches":       {legs(customer, queue, agent, leg("agent", "connected", 30, 30, -1, watching)), 60},
		"another is called":                {legs(customer, agent, leg("agent", "alerting", 60, -1, -1)), 0},
		"another is connected":             {legs(customer, agent, leg("agent", "connected", 60, 61, -1)), 0},
		"it is queued":                     {legs(customer, agent, leg("acd", "connected", 60, 60, -1)), 0},
		"a flow has it":                    {legs(customer, agent, leg("workflow", "connected", 60, 60, -1)), 0},
		"no agent was ever connected":      {legs(customer, queue, leg("agent", "disconnected", 15, -1, 20)), 0},
		"the agent of the life before":     {legs(customer, leg("agent", "disconnected", 0, 0, 0, before(1<<40))), 0},
		"the customer left too":            {legs(leg("customer", "disconnected", 0, 0, 60), queue, agent), 0},
		"no customer is listed":            {legs(queue, agent), 0},
		"a participant of an unknown sort": {legs(customer, queue, agent, leg("robot-dog", "connected", 61, 61, -1)), 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := at(0, 0).Add(time.Duration(tt.since) * time.Second)
			if tt.since == 0 {
				want = time.Time{}
			}
			require.Equal(t, want, genesys.Conversation{Participants: tt.legs}.Standing(at(0, 0)).AloneSince)
		})
	}
}

// Legs that a read before the opening showed as ended do not count, regardless of the clocks.
func TestStandingWithoutKnownLegs(t *testing.T) {
	t.Parallel()
	id := func(id string) func(*genesys.Participant) { return func(p *genesys.Participant) { p.ID = id } }
	old := legs(
		leg("customer", "disconnected", 0, 0, 60, why("client"), id("c1")), leg("agent", "disconnected", 15, 20, 60, id("a1"), wrapup(false)),
		leg("acd", "disconnected", 0, 0, 0, timeless, id("q1")),
	)
	before := genesys.Conversation{Participants: old}
	known := before.EndedLegs()
	require.Len(t, known, 3)
	require.Equal(t, genesys.PhaseWrapup, before.Standing(at(0, 0)).Phase)
	require.Equal(t, genesys.Standing{Phase: genesys.PhaseUnknown}, before.Standing(at(0, 0), known...))
	require.Equal(t, genesys.Standing{Phase: genesys.PhaseUnknown}, before.Standing(time.Time{}, known...))

	revived := genesys.Conversation{Participants: append(legs(leg("customer", "connected", 100, 100, -1, id("c2"))), old...)}
	require.Equal(t, genesys.PhaseUnknown, revived.Standing(at(0, 0)).Phase)
	require.Equal(t, genesys.PhaseNotRouted, revived.Standing(at(0, 0), known...).Phase)
	require.Len(t, revived.EndedLegs(), 3, "who is live is not among them")

	again := leg("customer", "disconnected", 0, 0, 150, why("client"), id("c1"))
	ended := genesys.Conversation{Participants: append(legs(again), old[1:]...)}
	require.Equal(t, genesys.PhaseEnded, ended.Standing(at(0, 0), known...).Phase, "the leg was revived, and ended again")
	again.State, again.End = "connected", time.Time{}
	live := genesys.Conversation{Participants: append(legs(again), old[1:]...)}
	require.Equal(t, genesys.PhaseNotRouted, live.Standing(at(0, 0), known...).Phase)
}

// A generic conversation lists communications. The liveliest one is the state of the participant.
func TestStandingOfAGenericConversation(t *testing.T) {
	t.Parallel()
	const customer = `{"id":"c","purpose":"customer","startTime":"2026-11-22T10:00:00Z","messages":[{"id":"k0","state":"connected"}]}`
	for communications, want := range map[string]genesys.Phase{
		`{"id":"k1","state":"connected"}`: genesys.PhaseConnected,
		`{"id":"k1","state":"disconnected","disconnectType":"peer"},{"id":"k2","state":"connected"}`:   genesys.PhaseConnected,
		`{"id":"k1","state":"connected"},{"id":"k2","state":"disconnected","disconnectType":"client"}`: genesys.PhaseConnected,
		`{"id":"k1","state":"terminated"},{"id":"k2","state":"connected"}`:                             genesys.PhaseConnected,
		`{"id":"k1","state":"alerting"},{"id":"k2","state":"connected"}`:                               genesys.PhaseConnected,
		`{"id":"k1","state":"disconnected"},{"id":"k2","state":"parked"}`:                              genesys.PhaseParked,
		`{"id":"k1","state":"disconnected"},{"id":"k2","state":"alerting"}`:                            genesys.PhaseAlerting,
		`{"id":"k1","state":"disconnected"},{"id":"k2","state":"terminated"}`:                          genesys.PhaseUnknown,
	} {
		var c genesys.Conversation
		body := `{"participants":[` + customer + `,{"id":"a","purpose":"agent","userId":"u1","name":"Grace","messages":[` + communications + `]}]}`
		require.NoError(t, json.Unmarshal([]byte(body), &c))
		s := c.Standing(at(0, 0))
		// It is unknown when the agent left, so only the customer counts.
		if want == genesys.PhaseUnknown {
			want = genesys.PhaseNotRouted
		} else {
			require.Equal(t, []string{"u1", "Grace"}, []string{s.Agent.UserID, s.Agent.Name})
			require.Empty(t, s.Agent.DisconnectType, communications)
		}
		require.Equal(t, want, s.Phase, communications)
	}
}

// Today a read has an agent's id in user, and the name on the leg or in user.
func TestAgentIsNamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"purpose":"agent","name":"Grace","user":{"id":"u1","name":"Grace Hopper"}}`: {"u1", "Grace"},
		`{"purpose":"agent","user":{"id":"u1","name":"Grace Hopper"}}`:                {"u1", "Grace Hopper"},
		`{"purpose":"agent","user":{"id":"u1"}}`:                                      {"u1", ""},
		`{"purpose":"agent","name":"Grace","userId":"u1"}`:                            {"u1", "Grace"},
	} {
		var p genesys.Participant
		require.NoError(t, json.Unmarshal([]byte(body), &p))
		require.Equal(t, want, [2]string{p.UserID, p.Name})
	}
}
