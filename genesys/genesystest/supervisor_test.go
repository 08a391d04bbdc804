package genesystest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestMonitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithWrapup(time.Minute), guideAnd("conversation:communication:view"))
		api, chat := connected(t, org)
		c := chat.Conversation()
		customer := api.live(c.ID(), "customer")["peer"]
		eve := c.Monitor("Eve")
		require.False(t, eve.Active())
		require.Empty(t, eve.Say("unheard"))
		eve.Type()
		eve.Park()
		eve.TransferTo("Bot")
		eve.End()
		eve.Consult("Ann")
		<-time.After(time.Second)
		require.Equal(t, "connected", c.Phase())
		legs := list(api.read(c.ID()), "participants")
		require.Len(t, legs, 6)
		require.Equal(t, legs[4]["id"], legs[5]["monitoredParticipantId"])
		require.Equal(t, "connected", legs[5]["state"])
		require.Nil(t, legs[5]["peer"])
		require.Equal(t, customer, api.live(c.ID(), "customer")["peer"])
		chat.Park()
		require.Equal(t, "parked", c.Phase(), "a monitoring leg does not count")
		eve.StepOut()
		require.Equal(t, "agent disconnected client", api.legs(c.ID())[5])

		c.Monitor("Eve")
		chat.Leave()
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "agent disconnected peer", api.legs(c.ID())[6], "with the monitored leg")
		require.False(t, c.Monitor("Eve").Active(), "there is no agent to monitor")

		chat = org.Agent("Ann").Wait(t).Accept()
		c.Monitor("Eve")
		chat.TransferTo("Support")
		chat = org.Agent("Ann").Wait(t).Accept()
		require.Equal(t, "agent disconnected peer", api.legs(c.ID())[9], "with a transfer too")
		c.Monitor("Eve")
		chat.End()
		legs = list(api.read(c.ID()), "participants")
		require.Equal(t, false, legs[len(legs)-1]["wrapupRequired"])
		require.Equal(t, true, legs[len(legs)-2]["wrapupRequired"])
		require.Equal(t, "peer", legs[len(legs)-1]["disconnectType"])
		_, generic := api.do("GET", "/api/v2/conversations/"+c.ID(), "")
		require.NotEmpty(t, list(generic, "participants")[5]["monitoredParticipantId"])
	})
}

func TestCoachAndTakeOver(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts  []genesystest.Option
		want  []string // legs from the first agent on
		roles []any    // of the leg that has the conversation in the end
	}{
		"in the monitoring leg": {
			nil,
			[]string{"agent disconnected takeover", "agent connected"},
			[]any{"monitor", "coach", "full"},
		},
		"in a new leg": {
			[]genesystest.Option{genesystest.WithTakeoverInNewLeg()},
			[]string{"agent disconnected takeover", "agent disconnected transfer", "agent connected"},
			[]any{"full"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, append(tc.opts, genesystest.WithWrapup(time.Minute), guideAnd("conversation:communication:view"))...)
				bot := listen(org)
				api, chat := connected(t, org)
				c := chat.Conversation()
				chat.Coach()
				chat.TakeOver()
				legs := list(api.read(c.ID()), "participants")
				require.Equal(t, []any{"full"}, legs[4]["mediaRoles"], "only a supervisor who monitors can coach or take over")

				eve := c.Monitor("Eve")
				agent, monitoring := legs[4]["id"], list(api.read(c.ID()), "participants")[5]
				require.Equal(t, []any{"monitor"}, monitoring["mediaRoles"])
				eve.Coach()
				eve.Coach()
				require.Empty(t, eve.Say("not to the customer"))
				_, generic := api.do("GET", "/api/v2/conversations/"+c.ID(), "")
				coaching := list(generic, "participants")[5]
				require.Equal(t, []any{"monitor", "coach"}, coaching["mediaRoles"])
				require.Equal(t, agent, coaching["coachedParticipantId"])

				eve.TakeOver()
				eve.TakeOver()
				require.Equal(t, tc.want, api.legs(c.ID())[4:])
				require.Equal(t, "connected", c.Phase())
				require.False(t, chat.Active())
				require.True(t, eve.Active())
				legs = list(api.read(c.ID()), "participants")
				last := legs[len(legs)-1]
				require.Equal(t, tc.roles, last["mediaRoles"])
				require.Equal(t, map[string]any{"id": org.Agent("Eve").ID(), "name": "Eve", "selfUri": "/api/v2/users/" + org.Agent("Eve").ID()}, last["user"])
				require.Equal(t, agent, legs[5]["monitoredParticipantId"], "it stays after the takeover")
				require.Equal(t, legs[4]["peer"], last["peer"], "the customer's communication")
				require.NotEqual(t, monitoring["peer"], last["peer"])
				require.Equal(t, true, legs[4]["wrapupRequired"])

				require.Empty(t, chat.Say("I have left"))
				said := eve.Say("I take care of it")
				genesystest.Until(t, func() bool { return len(bot.got()) == 1 })
				require.Equal(t, said, bot.got()[0]["id"])
				eve.Leave()
				require.Equal(t, "Support", c.Queue(), "back to the queue of the agent who was monitored")
			})
		})
	}
}

func TestTakeOverEndsOtherMonitors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		c := chat.Conversation()
		eve, fay := c.Monitor("Eve"), c.Monitor("Fay")
		eve.TakeOver()
		fay.TakeOver()
		require.Equal(t, []string{"agent disconnected takeover", "agent connected", "agent disconnected peer"}, api.legs(c.ID())[4:])
		require.False(t, fay.Active())
		eve.End()
		require.Equal(t, "ended", c.Phase())
	})
}
