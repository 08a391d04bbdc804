package genesystest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

// snapshotLegs returns the participants of a snapshot as "purpose state", separated by commas.
func snapshotLegs(body map[string]any) string {
	var out []string
	for _, p := range list(body, "participants") {
		out = append(out, fmt.Sprint(p["purpose"], " ", p["state"]))
	}
	return strings.Join(out, ", ")
}

func queueTopic(org *genesystest.Org, queue string) string {
	return "v2.routing.queues." + org.Queue(queue).ID() + ".conversations.messages"
}

// listening opens a stream of one topic with a new channel.
func (r *raw) listening(topic string) *stream {
	r.t.Helper()
	_, uri := r.channel(topic)
	return r.open(uri)
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		support := api.listening(queueTopic(org, "Support"))
		mine := api.listening("v2.users." + ann.ID() + ".conversations.messages")
		generic := api.listening("v2.routing.queues." + org.Queue("Support").ID() + ".conversations")
		id := api.handOver("c1", "hello")
		chat := ann.Wait(t).Accept()
		said := chat.Say("Hi")
		synctest.Wait()

		events := support.take()
		last := events[len(events)-1]
		require.Equal(t, "2", last["version"])
		require.NotEmpty(t, last["metadata"].(map[string]any)["CorrelationId"])
		body := last["eventBody"].(map[string]any)
		require.Equal(t, id, body["id"])
		agent := list(body, "participants")[4]
		read := list(api.read(id), "participants")[4]
		for _, name := range []string{"id", "name", "startTime", "connectedTime", "purpose", "state", "direction", "wrapupRequired"} {
			require.Equal(t, read[name], agent[name], name)
		}
		require.Equal(t, map[string]any{"id": ann.ID(), "name": "Ann"}, agent["user"])
		require.Equal(t, org.Queue("Support").ID(), agent["queue"].(map[string]any)["id"])
		require.Equal(t, map[string]any{"id": said}, list(agent, "messages")[0]["message"])
		require.Equal(t, "c1", list(body, "participants")[0]["address"])
		require.Len(t, bodies(mine.take()), 3, "alerting, connected, a message")
		g := bodies(generic.take())
		agent = list(g[len(g)-1], "participants")[4]
		require.Equal(t, ann.ID(), agent["userId"])
		require.Equal(t, "connected", list(agent, "messages")[0]["state"])
		require.Equal(t, said, list(list(agent, "messages")[0], "messages")[0]["messageId"])

		api.postText("c1", "more")
		chat.End()
		synctest.Wait()
		got := bodies(support.take())
		require.Len(t, got, 2)
		require.Contains(t, snapshotLegs(got[1]), "customer disconnected")
		api.postText("c1", "again")
		synctest.Wait()
		require.Empty(t, support.take(), "the queue no longer owns it")
	})
}

func TestATransferChangesTheTopic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		bea := org.Agent("Bea", "Billing")
		api := dial(t, org)
		bot, support, billing := api.listening(queueTopic(org, "Bot")), api.listening(queueTopic(org, "Support")), api.listening(queueTopic(org, "Billing"))
		id := api.handOver("c1", "hello")
		synctest.Wait()
		got := bodies(bot.take())
		require.Equal(t, "customer connected, workflow disconnected, acd disconnected, acd connected", snapshotLegs(got[len(got)-1]), "the last event for the queue")
		require.Len(t, support.take(), 1)

		api.transfer(id, "acd", org.Queue("Billing").ID())
		chat := bea.Wait(t).Accept()
		synctest.Wait()
		require.Empty(t, bot.take())
		require.Len(t, support.take(), 1, "the last event for the queue")
		require.Len(t, billing.take(), 3, "queued, alerting, connected")
		chat.End()
		synctest.Wait()
		require.Empty(t, support.take())
		require.Len(t, billing.take(), 1)
	})
}

// details subscribes to all detail events of a conversation.
func (r *raw) details(conversation string) *stream {
	r.t.Helper()
	r.org.SetPermissions(append(genesystest.GuidePermissions(), "analytics:conversationDetail:view")...)
	var topics []string
	for _, kind := range []string{"acd.start", "acd.end", "user.start", "user.end", "customer.start", "customer.end", "acw", "wrapup", "flow.start", "flow.end"} {
		topics = append(topics, "v2.detail.events.conversation."+conversation+"."+kind)
	}
	_, uri := r.channel(topics...)
	return r.open(uri)
}

// eventKinds returns each detail event as "kind disconnectType".
func eventKinds(events []map[string]any) []string {
	var out []string
	for _, e := range events {
		topic := e["topicName"].(string)
		line := topic[strings.LastIndexByte(topic[:strings.LastIndexByte(topic, '.')], '.')+1:]
		if i := strings.LastIndexByte(line, '-'); i >= 0 { // a kind of one word: cut the id off
			line = topic[strings.LastIndexByte(topic, '.')+1:]
		}
		if d := e["eventBody"].(map[string]any)["disconnectType"]; d != nil {
			line += fmt.Sprint(" ", d)
		}
		out = append(out, line)
	}
	return out
}

func TestDetailEventsMislead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithWrapup(time.Minute))
		ann, bea := org.Agent("Ann", "Support"), org.Agent("Bea", "Support")
		org.Agent("Cid", "Billing")
		api := dial(t, org)
		id := api.postText("c1", "hello")
		s := api.details(id)
		events := func() []string {
			t.Helper()
			synctest.Wait()
			return eventKinds(s.take())
		}
		genesystest.Until(t, func() bool { return org.Conversation("c1").Phase() == "queued" })
		require.Equal(t, []string{"flow.start", "flow.end TRANSFER", "acd.start"}, events())
		api.transfer(id, "acd", org.Queue("Support").ID())
		offer := ann.Wait(t)
		require.Equal(t, []string{"acd.end TRANSFER", "acd.start", "user.start"}, events(), "it is only alerting")
		offer.Decline()
		require.Equal(t, []string{"user.end CLIENT"}, events(), "as at the end of a conversation")
		offer = bea.Wait(t)
		offer.LetRing(30 * time.Second)
		<-time.After(30 * time.Second)
		require.Equal(t, []string{"user.start", "user.end NO_ANSWER_TRANSFER"}, events())
		chat := ann.Wait(t).Accept()
		require.Equal(t, []string{"user.start", "acd.end TRANSFER"}, events())
		chat.Leave()
		require.Equal(t, []string{"user.end NOT_AVAILABLE_TRANSFER", "acw", "acd.start"}, events(), "requeued")
		chat = ann.Wait(t).Accept()
		require.Equal(t, []string{"user.start", "acd.end TRANSFER"}, events())
		chat.TransferTo("Billing")
		chat = org.Agent("Cid").Wait(t).Accept()
		require.Equal(t, []string{"user.end TRANSFER", "acw", "acd.start", "user.start", "acd.end TRANSFER"}, events())
		<-time.After(2 * time.Minute)
		require.Equal(t, []string{"wrapup", "wrapup"}, events(), "of agents who left before")
		org.Conversation("c1").Disconnect("inactivity")
		require.Equal(t, []string{"customer.end INACTIVITY", "user.end INACTIVITY", "acw"}, events())
		_ = chat
	})
}

func TestDetailEventBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		id := chat.Conversation().ID()
		s := api.details(id)
		<-time.After(90 * time.Second)
		chat.End()
		synctest.Wait()
		events := s.take()
		require.Equal(t, []string{"customer.end PEER", "user.end CLIENT"}, eventKinds(events))
		e := bodies(events)[1]
		agent := list(api.read(id), "participants")[4]
		for name, want := range map[string]any{
			"eventTime": float64(time.Now().UnixMilli()), "conversationId": id, "participantId": agent["id"], "disconnectType": "CLIENT",
			"mediaType": "MESSAGE", "messageType": "OPEN", "direction": "INBOUND", "userId": org.Agent("Ann").ID(),
			"queueId": org.Queue("Support").ID(), "addressFrom": "c1", "interactingDurationMs": 90000.0,
		} {
			require.Equal(t, want, e[name], name)
		}
		require.NotEmpty(t, e["sessionId"])
		api.postText("c1", "back")
		status, _ := api.do(http.MethodGet, "/api/v2/conversations/messages/"+id, "")
		require.Equal(t, http.StatusOK, status)
		synctest.Wait()
		require.Equal(t, []string{"customer.start"}, eventKinds(s.take()), "revived")
	})
}
