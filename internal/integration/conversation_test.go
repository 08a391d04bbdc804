package integration_test

import (
	"net/http"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// reach reads a conversation until it is in a phase.
func (s *stage) reach(id string, phase genesys.Phase) *genesys.Conversation {
	s.t.Helper()
	var c *genesys.Conversation
	began := time.Now()
	for {
		var err error
		c, err = s.client.Conversations.Get(s.t.Context(), id)
		require.NoError(s.t, err)
		if c.Standing(time.Time{}).Phase == phase {
			return c
		}
		require.Less(s.t, time.Since(began), time.Minute, "still %v, waiting for %s", c.Standing(time.Time{}), phase)
		<-time.After(500 * time.Millisecond)
	}
}

// live is the participant with a purpose that has not ended.
func (s *stage) live(c *genesys.Conversation, purpose string) genesys.Participant {
	s.t.Helper()
	i := slices.IndexFunc(c.Participants, func(p genesys.Participant) bool { return p.Purpose == purpose && p.End.IsZero() })
	require.GreaterOrEqual(s.t, i, 0, "no live %s among %+v", purpose, c.Participants)
	return c.Participants[i]
}

func (s *stage) queue(name string) string {
	s.t.Helper()
	q, err := s.client.Routing.QueueNamed(s.t.Context(), name, "")
	require.NoError(s.t, err)
	return q.ID
}

// handOver brings a new conversation into the agents' queue.
func (s *stage) handOver() string {
	s.t.Helper()
	id := s.say("I want a person")
	c := s.reach(id, genesys.PhaseQueued)
	require.NoError(s.t, s.client.Conversations.TransferToQueue(s.t.Context(), id, s.live(c, "acd").ID, s.queue("Support")))
	return id
}

// agentTalks leads a conversation through every phase and reads it in each.
func agentTalks(s *stage) {
	s.org.Queue("Billing")
	ann, bob := s.org.Agent("Ann", "Support"), s.org.Agent("Bob", "Support")
	cem := s.org.Agent("Cem", "Billing")
	s.org.DeliverTo(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), "/genesys")
	id := s.handOver()

	ring := ann.Wait(s.t)
	s.reach(id, genesys.PhaseAlerting)
	ring.Decline()
	desk := bob.Wait(s.t).Accept()
	c := s.reach(id, genesys.PhaseConnected)
	require.NoError(s.t, s.client.Conversations.SetAttributes(s.t.Context(), id, s.live(c, "customer").ID,
		map[string]string{"topic": "refund"}))
	s.answerAgent(desk)
	desk.Park()
	s.reach(id, genesys.PhaseParked)
	desk.Resume()
	s.reach(id, genesys.PhaseConnected)

	desk.TransferTo("Billing")
	next := cem.Wait(s.t).Accept()
	s.say("still there?")
	s.reach(id, genesys.PhaseConnected)
	next.End()
	s.reach(id, genesys.PhaseWrapup)
	next.FinishWrapup()
	s.reach(id, genesys.PhaseEnded)
}

// answerAgent lets an agent send each kind of message, and the customer's side acknowledge and
// answer it.
func (s *stage) answerAgent(desk *genesystest.Desk) {
	s.t.Helper()
	ctx, om := s.t.Context(), s.client.OpenMessaging
	said := desk.Say("Let me look.")
	file := desk.Attach("text/plain", "terms.txt", []byte("terms"))
	asked := desk.QuickReplies("Refund?", "Yes", "No")
	desk.Type()
	<-time.After(time.Second)
	receipt := openmessaging.InboundReceipt{
		MessageID: said, To: customer(), Time: time.Now(), Status: openmessaging.StatusDelivered, Final: true,
	}
	require.NoError(s.t, om.SendReceipt(ctx, s.channel.IntegrationID, receipt))
	receipt.MessageID, receipt.Status = file, openmessaging.StatusFailed
	receipt.Reasons = []openmessaging.Reason{{Code: openmessaging.ReasonMediaTypeNotAllowed, Message: "no text files"}}
	require.NoError(s.t, om.SendReceipt(ctx, s.channel.IntegrationID, receipt))
	_, err := om.SendReply(ctx, s.channel.IntegrationID, openmessaging.Reply{
		From: customer(), MessageID: "r1", Time: time.Now(), InReplyTo: asked,
		Kind: openmessaging.ReplyQuickReply, Text: "Yes", Payload: "Yes",
	})
	require.NoError(s.t, err)
}

// fetchMissed reads an agent's messages as a host with a failed webhook does.
func fetchMissed(s *stage) {
	ann := s.org.Agent("Ann", "Support")
	id := s.handOver()
	desk := ann.Wait(s.t).Accept()
	said, file := desk.Say("Let me look."), desk.Attach("text/plain", "terms.txt", []byte("terms"))
	list, err := s.client.Conversations.Messages(s.t.Context(), id, []string{said, file, "unknown"})
	require.NoError(s.t, err)
	require.Len(s.t, list, 2)
	require.Equal(s.t, said, list[0].ID)
	require.True(s.t, list[0].Outbound)
	require.Equal(s.t, openmessaging.Message{Text: "Let me look."}, list[0].Message.Body)
	require.Equal(s.t, customer().ID, list[0].Message.CustomerID)
}

// transferOtherwise refuses the first form of a transfer, so that the second is used.
func transferOtherwise(s *stage) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict} {
		s.org.Inject(genesystest.Fault{Op: "conversations.transferToQueue", Status: status})
		id := s.handOver()
		<-time.After(time.Second)
		c := s.reach(id, genesys.PhaseQueued)
		require.Equal(s.t, s.queue("Support"), c.Standing(time.Time{}).QueueID)
		require.NoError(s.t, s.client.Conversations.Disconnect(s.t.Context(), id))
		s.reach(id, genesys.PhaseEnded)
	}
}

func transferToAgent(s *stage) {
	ann := s.org.Agent("Ann", "Support")
	id := s.say("I want Ann")
	c := s.reach(id, genesys.PhaseQueued)
	require.NoError(s.t, s.client.Conversations.TransferToAgent(s.t.Context(), id, s.live(c, "acd").ID, ann.ID()))
	ann.Wait(s.t).Accept()
	s.reach(id, genesys.PhaseConnected)
}

func disconnect(s *stage) {
	id := s.handOver()
	require.NoError(s.t, s.client.Conversations.Disconnect(s.t.Context(), id))
	s.reach(id, genesys.PhaseEnded)
}

// disconnectOtherwise refuses the first rung of the ladder.
func disconnectOtherwise(s *stage) {
	id := s.handOver()
	s.org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden})
	require.NoError(s.t, s.client.Conversations.Disconnect(s.t.Context(), id))
	s.reach(id, genesys.PhaseEnded)
}
