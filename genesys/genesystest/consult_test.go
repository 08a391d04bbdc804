package genesystest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestConsult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bot := listen(org)
		api, chat := connected(t, org)
		c := chat.Conversation()
		chat.Consult("Dora")
		require.Equal(t, "connected", c.Phase(), "while it rings")
		require.Equal(t, []string{"agent connected", "agent alerting"}, api.legs(c.ID())[4:])
		org.Agent("Dora").Wait(t).Decline()
		require.Equal(t, "connected", c.Phase())

		chat.Consult("Dora")
		second := org.Agent("Dora").Wait(t).Accept()
		require.NotEmpty(t, second.Say("I know this"))
		require.NotEmpty(t, chat.Say("Thank you"))
		second.StepOut()
		require.Equal(t, "agent disconnected client", api.legs(c.ID())[6])
		require.Equal(t, "connected", c.Phase())
		require.False(t, second.Active())

		chat.Consult("Dora")
		third := org.Agent("Dora").Wait(t).Accept()
		chat.StepOut()
		require.Equal(t, "connected", c.Phase(), "the other one goes on")
		require.NotEmpty(t, third.Say("Now it is me"))
		<-time.After(time.Second)
		require.Len(t, bot.got(), 3)
		third.Leave()
		require.Equal(t, "queued", c.Phase(), "nobody is left")
		third.StepOut()
		third.Consult("Ann")
		require.Equal(t, "queued", c.Phase(), "from a desk it has left")
	})
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithWrapup(time.Minute), genesystest.WithPermissions(
			append(genesystest.GuidePermissions(), "conversation:communication:view")...))
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
		require.Equal(t, "parked", c.Phase(), "who watches does not count")
		eve.StepOut()
		require.Equal(t, "agent disconnected client", api.legs(c.ID())[5])

		c.Monitor("Eve")
		chat.Leave()
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "agent disconnected peer", api.legs(c.ID())[6], "with the agent who was watched")
		require.False(t, c.Monitor("Eve").Active(), "there is nobody to watch")

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
