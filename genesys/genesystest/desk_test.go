package genesystest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestTransferBetweenQueuesWhileTheCustomerWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bea := org.Agent("Bea", "Billing")
		api, chat := connected(t, org)
		c := chat.Conversation()
		chat.TransferTo("Billing")
		require.Equal(t, "connected", c.Phase())
		api.postText("c1", "while transferred")
		<-time.After(150 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "Billing", c.Queue())
		require.False(t, chat.Active())
		chat.End()
		require.Equal(t, "queued", c.Phase(), "only an agent who has it can end it")
		api.postText("c1", "while queued")
		next := bea.Wait(t).Accept()
		require.Equal(t, []string{"hello", "while transferred", "while queued"}, next.Texts())

		body := api.read(c.ID())
		transfers := list(body, "recentTransfers")
		require.Len(t, transfers, 2, "ours and the agent's")
		require.Equal(t, "Complete", transfers[1]["state"])
		require.Equal(t, map[string]any{"address": org.Queue("Billing").ID()}, transfers[1]["destination"])
		require.NotEmpty(t, transfers[1]["initiator"].(map[string]any)["userId"])
	})
}

func TestTransferToAnAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		bea := org.Agent("Bea")
		chat.TransferToAgent("Nobody")
		require.True(t, chat.Active())
		chat.TransferToAgent("Bea")
		bea.Wait(t).Decline()
		require.Equal(t, "Support", chat.Conversation().Queue(), "back to the queue it came from")
		back := org.Agent("Ann").Wait(t).Accept()
		back.TransferToAgent("Bea")
		require.Equal(t, "connected", bea.Wait(t).Accept().Conversation().Phase())
		require.Equal(t, "agent connected", api.legs(back.Conversation().ID())[8])
	})
}

func TestParkAndLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		c := chat.Conversation()
		chat.Park()
		require.Equal(t, "parked", c.Phase())
		require.NotEmpty(t, api.live(c.ID(), "agent")["parkTime"])
		require.Empty(t, chat.Say("not now"))
		chat.Resume()
		require.NotEmpty(t, chat.Say("now"))
		chat.Leave()
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "agent disconnected transfer.notavailable", api.legs(c.ID())[4])
		org.Agent("Ann").Wait(t).Accept()
	})
}

func TestWrapup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithWrapup(time.Minute))
		api, chat := connected(t, org)
		c := chat.Conversation()
		chat.End()
		require.Equal(t, "wrapup", c.Phase())
		agent := list(api.read(c.ID()), "participants")[4]
		require.Equal(t, true, agent["wrapupRequired"])
		require.NotEmpty(t, agent["startAcwTime"])
		<-time.After(time.Minute)
		synctest.Wait()
		require.Equal(t, "ended", c.Phase())
		agent = list(api.read(c.ID()), "participants")[4]
		require.Equal(t, false, agent["wrapupRequired"])
		require.NotEmpty(t, agent["endAcwTime"])

		_ = api.handOver("c2", "hello")
		second := org.Agent("Ann").Wait(t).Accept()
		second.End()
		second.FinishWrapup()
		require.Equal(t, "ended", second.Conversation().Phase())
	})
}

func TestCustomerLeaves(t *testing.T) {
	t.Parallel()
	const disconnected = `{"state":"disconnected"}`
	for name, leave := range map[string]func(r *raw, id string) (int, map[string]any){
		"by the communication": func(r *raw, id string) (int, map[string]any) {
			customer, agent := r.live(id, "customer"), r.live(id, "agent")
			return r.do(http.MethodPatch, "/api/v2/conversations/messages/"+id+"/participants/"+customer["id"].(string)+
				"/communications/"+agent["peer"].(string), disconnected)
		},
		"by the participant": func(r *raw, id string) (int, map[string]any) {
			return r.do(http.MethodPatch, "/api/v2/conversations/messages/"+id+"/participants/"+r.live(id, "customer")["id"].(string), disconnected)
		},
		"by the conversation": func(r *raw, id string) (int, map[string]any) {
			return r.do(http.MethodPatch, "/api/v2/conversations/messages/"+id, disconnected)
		},
		"by deletion": func(r *raw, id string) (int, map[string]any) {
			return r.do(http.MethodDelete, "/api/v2/conversations/"+id, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := []genesystest.Option{}
				if name != "by the communication" {
					opts = append(opts, guideAnd("conversation:communication:disconnect"))
				}
				org := genesystest.New(t, opts...)
				api, chat := connected(t, org)
				id := chat.Conversation().ID()
				status, body := leave(api, id)
				require.Less(t, status, 300, "%v", body)
				require.Equal(t, "ended", chat.Conversation().Phase())
				legs := api.legs(id)
				require.Equal(t, "customer disconnected client", legs[0])
				require.Equal(t, "agent disconnected peer", legs[4])
				require.Empty(t, chat.Say("Hello?"))
			})
		})
	}
}

func TestCustomerLeavesDuringAlert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, guideAnd("conversation:communication:disconnect"))
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		id := api.handOver("c1", "hello")
		offer := ann.Wait(t)
		status, _ := api.do(http.MethodPatch, "/api/v2/conversations/messages/"+id, `{"state":"disconnected"}`)
		require.Equal(t, http.StatusOK, status)
		require.False(t, offer.Ringing())
		chat := offer.Accept()
		require.False(t, chat.Active(), "too late")
		offer.Decline()
		require.Equal(t, "ended", chat.Conversation().Phase())
	})
}

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
		require.Equal(t, "connected", c.Phase(), "the other agent continues")
		require.NotEmpty(t, third.Say("Now it is me"))
		<-time.After(time.Second)
		require.Len(t, bot.got(), 3)
		third.Leave()
		require.Equal(t, "queued", c.Phase(), "no agent is left")
		third.StepOut()
		third.Consult("Ann")
		require.Equal(t, "queued", c.Phase(), "the desk is not active")
	})
}

func TestLeaveOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, guideAnd("conversation:communication:disconnect"))
		api, chat := connected(t, org)
		c := chat.Conversation()
		chat.Consult("Dora")
		second := org.Agent("Dora").Wait(t).Accept()
		chat.LeaveOpen()
		require.True(t, chat.Active(), "another agent has the conversation")
		second.StepOut()
		c.Monitor("Eve")
		chat.Consult("Dora")
		offer := org.Agent("Dora").Wait(t)
		chat.LeaveOpen()
		require.Equal(t, []string{
			"agent disconnected client", "agent disconnected client", "agent disconnected peer", "agent disconnected peer",
		}, api.legs(c.ID())[4:])
		require.False(t, offer.Ringing())

		<-time.After(20 * time.Hour)
		require.Equal(t, "notRouted", c.Phase())
		require.Equal(t, "customer connected", api.legs(c.ID())[0])
		require.Equal(t, c.ID(), api.postText("c1", "Is anyone there?"), "the customer still writes into it")
		<-time.After(time.Minute)
		require.Equal(t, "notRouted", c.Phase(), "no agent is alerted")
		chat.LeaveOpen()
		status, _ := api.do(http.MethodPatch, "/api/v2/conversations/messages/"+c.ID(), `{"state":"disconnected"}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ended", c.Phase())
	})
}
