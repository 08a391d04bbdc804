package genesys_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

func user(id, name string) func(*genesys.Participant) {
	return func(p *genesys.Participant) { p.UserID, p.Name = id, name }
}

func watching(p *genesys.Participant) { p.Watching = true }

// The life of a conversation, in the order in which reads may show it. Who is told are the agent's id and name.
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

// Who only monitors or coaches is read from what names whom, or from the roles if there are no others.
func TestWatchingIsRead(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]bool{
		`"monitoredParticipantId":"p1"`:                             true,
		`"monitoredParticipant":{"id":"p1","selfUri":"/x"}`:         true,
		`"monitoredParticipant":"p1"`:                               true,
		`"coachedParticipantId":"p1"`:                               true,
		`"coachedParticipant":{"id":"p1"}`:                          true,
		`"mediaRoles":["monitor"]`:                                  true,
		`"mediaRoles":["Monitor","coach"]`:                          true,
		`"mediaRoles":["full"]`:                                     false,
		`"mediaRoles":["full","monitor"]`:                           false,
		`"mediaRoles":[]`:                                           false,
		`"mediaRoles":"monitor"`:                                    false,
		`"mediaRoles":[7,null]`:                                     false,
		`"monitoredParticipantId":null,"monitoredParticipant":null`: false,
		`"monitoredParticipantId":7,"monitoredParticipant":[1]`:     false,
		`"monitoredParticipantId":""`:                               false,
		`"monitoredParticipantId":"p1","bargedParticipantId":"p1"`:  false,
		`"mediaRoles":["monitor"],"bargedParticipantId":"p1"`:       false,
	} {
		var p genesys.Participant
		require.NoError(t, json.Unmarshal([]byte(`{"id":"p9","purpose":"agent","state":"connected",`+fields+`}`), &p), fields)
		require.Equal(t, want, p.Watching, fields)
		require.Equal(t, !want, p.IsAgent(), fields)
	}
}

// A generic conversation lists communications: the liveliest says what the participant is in.
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
		if want == genesys.PhaseUnknown { // no time says when the agent left, so nobody counts but the customer
			want = genesys.PhaseNotRouted
		} else {
			require.Equal(t, []string{"u1", "Grace"}, []string{s.Agent.UserID, s.Agent.Name})
			require.Empty(t, s.Agent.DisconnectType, communications)
		}
		require.Equal(t, want, s.Phase, communications)
	}
}

// Today's read gives an agent's id in user, and the name on the leg or in user.
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
