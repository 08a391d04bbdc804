package genesystest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestReceiptsShowAtTheDesk(t *testing.T) {
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

const (
	okChannel = `"channel":{"from":{"id":"c1","idType":"Opaque"},"time":"2026-01-02T03:04:05.678Z"}`
	okTo      = `"channel":{"to":{"id":"c1"},"time":"2026-01-02T03:04:05.678Z"}`
)

// Each body has one error.
func TestMalformedRequestsAreRefusedAndFailTheTest(t *testing.T) {
	t.Parallel()
	type request struct{ kind, body, code, names string }
	for name, r := range map[string]request{
		"no JSON":             {"message", `{`, "bad.request", ""},
		"two values":          {"message", `{` + okChannel + `,"text":"a"}{}`, "bad.request", "after"},
		"no channel":          {"message", `{"text":"a"}`, "bad.request", "channel"},
		"no text, no content": {"message", `{` + okChannel + `}`, "bad.request", "text and content"},
		"empty text":          {"message", `{` + okChannel + `,"text":""}`, "bad.request", "text and content"},
		"a reply":             {"message", `{` + okChannel + `,"buttonResponse":{"type":"Button","text":"a","payload":"b"},"originatingMessageId":"x"}`, "bad.request", "buttonResponse"},
		"unknown property":    {"message", `{` + okChannel + `,"text":"a","direction":"Inbound"}`, "bad.request", "direction"},
		"no sender":           {"message", `{"channel":{"time":"2026-01-02T03:04:05Z"},"text":"a"}`, "bad.request", "channel.from"},
		"no sender id":        {"message", `{"channel":{"from":{"idType":"Email"},"time":"2026-01-02T03:04:05Z"},"text":"a"}`, "bad.request", "channel.from.id"},
		"lower-case idType":   {"message", `{"channel":{"from":{"id":"c","idType":"email"},"time":"2026-01-02T03:04:05Z"},"text":"a"}`, "invalid.value", "channel.from.idType"},
		"no time":             {"message", `{"channel":{"from":{"id":"c","idType":"Email"}},"text":"a"}`, "bad.request", "channel.time"},
		"a time zone":         {"message", `{"channel":{"from":{"id":"c","idType":"Email"},"time":"2026-01-02T03:04:05+01:00"},"text":"a"}`, "invalid.date", "channel.time"},
		"seven digits":        {"message", `{"channel":{"from":{"id":"c","idType":"Email"},"time":"2026-01-02T03:04:05.1234567Z"},"text":"a"}`, "invalid.date", "channel.time"},
		"no such day":         {"message", `{"channel":{"from":{"id":"c","idType":"Email"},"time":"2026-02-30T03:04:05Z"},"text":"a"}`, "invalid.date", "channel.time"},
		"attributes at the top": {
			"message",
			`{` + okChannel + `,"text":"a","metadata":{"customAttributes":{"k":"v"}}}`, "bad.request", "metadata",
		},
		"attribute is no string": {
			"message",
			`{"channel":{"from":{"id":"c","idType":"Email"},"time":"2026-01-02T03:04:05Z","metadata":{"customAttributes":{"k":1}}},"text":"a"}`, "bad.request", "customAttributes",
		},
		"two attachments":      {"message", `{` + okChannel + `,"content":[{"attachment":{"mediaType":"File","url":"u","mime":"m"}},{"attachment":{"mediaType":"File","url":"u","mime":"m"}}]}`, "bad.request", "content"},
		"attachment no url":    {"message", `{` + okChannel + `,"content":[{"attachment":{"mediaType":"File","mime":"m"}}]}`, "bad.request", "url"},
		"attachment no mime":   {"message", `{` + okChannel + `,"content":[{"attachment":{"mediaType":"File","url":"u"}}]}`, "bad.request", "mime"},
		"attachment kind":      {"message", `{` + okChannel + `,"content":[{"attachment":{"mediaType":"Paper","url":"u","mime":"m"}}]}`, "invalid.value", "mediaType"},
		"content of nothing":   {"message", `{` + okChannel + `,"content":[{}]}`, "bad.request", "attachment"},
		"content of a kind":    {"message", `{` + okChannel + `,"content":[{"contentType":"Card"}]}`, "invalid.value", "contentType"},
		"event without events": {"event", `{` + okChannel + `}`, "bad.request", "events"},
		"event of presence":    {"event", `{` + okChannel + `,"events":[{"eventType":"Presence"}]}`, "invalid.value", "eventType"},
		"event with messageId": {"event", `{"channel":{"messageId":"m","from":{"id":"c","idType":"Email"},"time":"2026-01-02T03:04:05Z"},"events":[{"eventType":"Typing"}]}`, "bad.request", "messageId"},
		"receipt without id":   {"receipt", `{` + okTo + `,"status":"Delivered"}`, "bad.request", "id"},
		"receipt without to":   {"receipt", `{"id":"x","channel":{"time":"2026-01-02T03:04:05Z"},"status":"Delivered"}`, "bad.request", "channel.to"},
		"receipt without time": {"receipt", `{"id":"x","channel":{"to":{"id":"c"}},"status":"Delivered"}`, "bad.request", "channel.time"},
		"receipt Read":         {"receipt", `{"id":"x",` + okTo + `,"status":"Read"}`, "invalid.value", "status"},
		"receipt no status":    {"receipt", `{"id":"x",` + okTo + `}`, "bad.request", "status"},
		"reasons of delivery":  {"receipt", `{"id":"x",` + okTo + `,"status":"Delivered","reasons":[{"message":"m"}]}`, "bad.request", "reasons"},
		"reason of our own":    {"receipt", `{"id":"x",` + okTo + `,"status":"Failed","reasons":[{"code":"Tired","message":"m"}]}`, "invalid.value", "reasons.code"},
		"reason unsaid":        {"receipt", `{"id":"x",` + okTo + `,"status":"Failed","reasons":[{"code":"GeneralError"}]}`, "bad.request", "reasons.message"},
		"reply to nothing":     {"structured/response", `{` + okChannel + `,"buttonResponse":{"type":"Button","text":"a","payload":"b"},"originatingMessageId":"x"}`, "bad.request", "originatingMessageId"},
		"reply without button": {"structured/response", `{` + okChannel + `,"originatingMessageId":"x"}`, "bad.request", "buttonResponse"},
		"reply of a kind":      {"structured/response", `{` + okChannel + `,"buttonResponse":{"type":"Form","text":"a","payload":"b"},"originatingMessageId":"x"}`, "invalid.value", "buttonResponse.type"},
		"reply no payload":     {"structured/response", `{` + okChannel + `,"buttonResponse":{"type":"Button","text":"a"},"originatingMessageId":"x"}`, "bad.request", "payload"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, api := spied(t)
				status, body := api.do(http.MethodPost, api.inbound(r.kind), r.body)
				require.Equal(t, http.StatusBadRequest, status)
				require.Equal(t, r.code, body["code"])
				require.Contains(t, body["message"], r.names)
				require.InDelta(t, 400, body["status"], 0)
				require.NotEmpty(t, body["contextId"])
				require.Equal(t, []any{}, body["errors"])
				require.Empty(t, api.org.Conversations(), "nothing happened")
				require.Len(t, s.failures(), 1, "the test fails")
				require.Equal(t, s.failures(), api.org.Refusals())
			})
		})
	}
}

func TestRefusalsOfTheWholeRequest(t *testing.T) {
	t.Parallel()
	message := `{` + okChannel + `,"text":"a"}`
	for name, tc := range map[string]struct {
		method, path, body, contentType, token string
		status                                 int
		code                                   string
		fails                                  bool
	}{
		"unknown path":        {http.MethodGet, "/api/v2/nothing", "", "", "ok", 404, "not.found", true},
		"known path, method":  {http.MethodDelete, "/api/v2/routing/queues", "", "", "ok", 405, "method.not.allowed", true},
		"no token":            {http.MethodGet, "/api/v2/routing/queues", "", "", "", 401, "authentication.required", true},
		"unknown token":       {http.MethodGet, "/api/v2/routing/queues", "", "", "mine", 401, "bad.credentials", false},
		"not JSON":            {http.MethodPost, "message", message, "text/plain", "ok", 415, "unsupported.media.type", true},
		"too large":           {http.MethodPost, "message", message + strings.Repeat(" ", 512_000), "application/json", "ok", 413, "request.entity.too.large", true},
		"another integration": {http.MethodPost, "/api/v2/conversations/messages/other/inbound/open/message", message, "application/json", "ok", 404, "not.found", false},
		"unknown queue":       {http.MethodGet, "/api/v2/routing/queues/other", "", "", "ok", 404, "not.found", false},
		"unknown conversation": {
			http.MethodGet, "/api/v2/conversations/messages/other", "", "", "ok", 404, "not.found", false,
		},
		"no permission": {http.MethodGet, "/api/v2/conversations/other", "", "", "ok", 403, "missing.permissions", false},
		"page too large": {
			http.MethodGet, "/api/v2/routing/queues?pageSize=501", "", "", "ok", 400, "invalid.value", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, api := spied(t)
				path := tc.path
				if path == "message" {
					path = api.inbound(path)
				}
				req := api.request(t.Context(), tc.method, path, tc.body)
				req.Header.Set("Content-Type", tc.contentType)
				if tc.token != "ok" {
					req.Header.Set("Authorization", "Bearer "+tc.token)
				}
				status, body := api.send(req)
				require.Equal(t, tc.status, status)
				require.Equal(t, tc.code, body["code"])
				require.Equal(t, tc.fails, len(s.failures()) == 1, "%v", s.failures())
			})
		})
	}
}

func TestAllowErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		api := dial(t, org)
		status, _ := api.do(http.MethodPost, api.inbound("message"), `{}`)
		require.Equal(t, http.StatusBadRequest, status)
		require.Len(t, org.Refusals(), 1)
		require.NotContains(t, org.Refusals()[0], api.token)
	})
}

func TestReceiptForUnknownMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, api := spied(t)
		org := api.org
		ann := org.Agent("Ann", "Support")
		status, body := api.do(http.MethodPost, api.inbound("receipt"), `{"id":"x",`+okTo+`,"status":"Delivered"}`)
		require.Equal(t, http.StatusOK, status, "a receipt is refused with 200")
		require.Equal(t, "Failed", body["status"])
		require.Equal(t, "UnknownMessage", list(body, "reasons")[0]["code"])
		require.Len(t, s.failures(), 1)

		api.handOver("c2", "hello")
		id := ann.Wait(t).Accept().Say("hi")
		_, body = api.do(http.MethodPost, api.inbound("receipt"), `{"id":"`+id+`",`+okTo+`,"status":"Delivered"}`)
		require.Equal(t, "InvalidDestination", list(body, "reasons")[0]["code"])
		require.Equal(t, "Sent", org.Conversation("c2").Status(id))
	})
}
