package genesystest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestReceiptsTellTheAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		one, two := chat.Say("one"), chat.Say("two")
		receipt := func(id, rest string) map[string]any {
			status, body := api.do(http.MethodPost, api.inbound("receipt"), `{"id":"`+id+`",`+okTo+`,`+rest+`}`)
			require.Equal(t, http.StatusOK, status, "%v", body)
			return body
		}
		body := receipt(one, `"status":"Delivered","isFinalReceipt":true`)
		require.Equal(t, "Delivered", body["status"])
		require.Equal(t, true, body["isFinalReceipt"])
		require.Equal(t, one, body["id"])
		receipt(two, `"status":"Failed","reasons":[{"code":"MessageExpired","message":"too late"}]`)
		require.Equal(t, "Delivered", chat.Status(one))
		require.Equal(t, "Failed", chat.Status(two))
		require.Equal(t, "MessageExpired", chat.Conversation().FailureReason(two))
		require.Empty(t, chat.Status("other"))

		var seen []any
		for _, m := range list(api.live(chat.Conversation().ID(), "agent"), "messages") {
			seen = append(seen, m["messageStatus"])
		}
		require.Equal(t, []any{"delivery-success", "delivery-failed"}, seen)
	})
}

func TestTypingAndReplies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		status, body := api.do(http.MethodPost, api.inbound("event"), `{`+okChannel+`,"events":[{"eventType":"Typing"}]}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "Event", body["type"])
		require.True(t, chat.CustomerTyping())
		<-time.After(5 * time.Second)
		require.False(t, chat.CustomerTyping())

		asked := chat.QuickReplies("Solved?", "Yes", "No")
		reply := `{` + okChannel + `,"buttonResponse":{"type":"QuickReply","text":"Yes","payload":"y"},"originatingMessageId":"` + asked + `"}`
		status, body = api.do(http.MethodPost, api.inbound("structured/response"), reply)
		require.Equal(t, http.StatusOK, status, "%v", body)
		require.Equal(t, "Structured", body["type"])
		require.Equal(t, "ButtonResponse", list(body, "content")[0]["contentType"])
		require.Equal(t, []string{"hello", "Yes"}, chat.Texts())

		file := `{` + okChannel + `,"text":"see","content":[{"contentType":"Attachment","attachment":{"mediaType":"File","url":"https://bot.example/a.pdf","mime":"application/pdf"}}]}`
		status, body = api.do(http.MethodPost, api.inbound("message"), file)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "https://bot.example/a.pdf", list(body, "content")[0]["attachment"].(map[string]any)["url"])
		require.Equal(t, []string{"https://bot.example/a.pdf"}, chat.Attachments())
	})
}

// An event may open a conversation, or bring one back: typing into an ended one is no harmless thing.
func TestTypingRevives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		chat.End()
		status, _ := api.do(http.MethodPost, api.inbound("event"), `{`+okChannel+`,"events":[{"eventType":"Typing"}]}`)
		require.Equal(t, http.StatusOK, status)
		<-time.After(time.Second)
		require.Equal(t, "queued", chat.Conversation().Phase())
	})
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		id := chat.Conversation().ID()
		body := `{"channel":{"from":{"id":"c1","idType":"Opaque"},"time":"2026-01-02T03:04:05Z","metadata":{"customAttributes":{"topic":"bill","tier":"gold"}}},"text":"a"}`
		status, _ := api.do(http.MethodPost, api.inbound("message"), body)
		require.Equal(t, http.StatusOK, status)
		path := "/participants/" + api.live(id, "customer")["id"].(string) + "/attributes"
		status, answer := api.do(http.MethodPatch, "/api/v2/conversations/messages/"+id+path, `{"attributes":{"topic":"refund"}}`)
		require.Equal(t, http.StatusAccepted, status)
		require.Equal(t, map[string]any{"attributes": map[string]any{"topic": "refund", "tier": "gold"}}, answer)
		status, answer = api.do(http.MethodPatch, "/api/v2/conversations/"+id+path, `{"attributes":{"x":"y"}}`)
		require.Equal(t, http.StatusAccepted, status)
		require.Empty(t, answer)
		require.Equal(t, map[string]string{"topic": "refund", "tier": "gold", "x": "y"}, chat.Attributes())
	})
}

func TestDeduplication(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt  genesystest.Option
		want []string
	}{
		"by default a repeat is a message": {nil, []string{"one", "one", "two"}},
		"dropped":                          {genesystest.WithDeduplication(), []string{"one", "two"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, tc.opt)
				ann := org.Agent("Ann", "Support")
				api := dial(t, org)
				body := api.message("c1", "one")
				_, first := api.do(http.MethodPost, api.inbound("message"), body)
				_, again := api.do(http.MethodPost, api.inbound("message"), body)
				require.Equal(t, len(tc.want) == 2, first["id"] == again["id"])
				api.handOver("c1", "two")
				require.Equal(t, tc.want, ann.Wait(t).Accept().Texts())
			})
		})
	}
}
