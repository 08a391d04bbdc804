package genesys_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A fixture is one operation as it goes over the wire, values our own.
type fixture struct {
	Request struct {
		Method string          `json:"method"`
		Path   string          `json:"path"`
		Query  string          `json:"query"`
		Body   json.RawMessage `json:"body"`
	} `json:"request"`
	Response struct {
		Status int             `json:"status"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
}

func load(tb testing.TB, name string) fixture {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json")) //nolint:gosec // names of our own tests
	require.NoError(tb, err)
	var f fixture
	require.NoError(tb, json.Unmarshal(raw, &f))
	return f
}

func (f fixture) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	answer(w, f.Response.Status, string(f.Response.Body))
}

const (
	integration  = "1e000000-0000-4000-8000-000000000007"
	conversation = "c0ffee00-0000-4000-8000-000000000001"
	customerLeg  = "0a000000-0000-4000-8000-000000000001"
	queueLeg     = "0a000000-0000-4000-8000-000000000003"
	support      = "9e000000-0000-4000-8000-000000000001"
	billing      = "9e000000-0000-4000-8000-000000000002"
	home         = "d0000000-0000-4000-8000-000000000001"
	grace        = "a9e00000-0000-4000-8000-000000000001"
	lin          = "a9e00000-0000-4000-8000-000000000002"
)

func at(minute, second int) time.Time {
	return time.Date(2026, 11, 22, 10, minute, second, 0, time.UTC)
}

func visitor() openmessaging.Customer {
	return openmessaging.Customer{ID: "visitor-17", IDType: openmessaging.IDOpaque}
}

func hello() openmessaging.InboundMessage {
	from := visitor()
	from.Nickname = "Ada"
	return openmessaging.InboundMessage{
		From: from, MessageID: "m-1", Time: at(0, 0), Text: "I need a person.", Attributes: map[string]string{"topic": "billing"},
	}
}

// Every operation sends exactly its fixture's request and understands its fixture's answer.
func TestWire(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call func(context.Context, *genesys.Client) (any, error)
		want any
	}{
		"openmessaging.send": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return c.OpenMessaging.Send(ctx, genesys.SendRequest{IntegrationID: integration, Message: hello(), PrefetchConversationID: true})
			},
			&genesys.SendResult{MessageID: "5e000000-0000-4000-8000-000000000001", ConversationID: conversation},
		},
		"openmessaging.reply": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return c.OpenMessaging.SendReply(ctx, integration, openmessaging.Reply{
					From: visitor(), MessageID: "m-2", Time: at(1, 0), InReplyTo: "0b000000-0000-4000-8000-000000000003",
					Kind: openmessaging.ReplyQuickReply, Text: "Yes", Payload: "yes",
				})
			},
			&genesys.SendResult{MessageID: "5e000000-0000-4000-8000-000000000002"},
		},
		"openmessaging.typing": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return nil, c.OpenMessaging.SendTyping(ctx, integration, openmessaging.InboundTyping{From: visitor(), Time: at(2, 0)})
			}, nil,
		},
		"openmessaging.receipt": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return nil, c.OpenMessaging.SendReceipt(ctx, integration, openmessaging.InboundReceipt{
					MessageID: "0b000000-0000-4000-8000-000000000003", To: visitor(), Time: at(3, 0),
					Status: openmessaging.StatusDelivered, Final: true,
				})
			}, nil,
		},
		"integrations.get": {
			func(ctx context.Context, c *genesys.Client) (any, error) { return c.Integrations.Get(ctx, integration) },
			new(website()),
		},
		"integrations.list": {
			func(ctx context.Context, c *genesys.Client) (any, error) { return collect(c.Integrations.All(ctx)) },
			[]genesys.Integration{website()},
		},
		"routing.queues.list": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return collect(c.Routing.Queues(ctx, genesys.QueueFilter{Name: "Support", DivisionID: home}))
			},
			[]genesys.Queue{supportQueue()},
		},
		"routing.queues.get": {
			func(ctx context.Context, c *genesys.Client) (any, error) { return c.Routing.Queue(ctx, support) },
			new(supportQueue()),
		},
		"routing.members.list": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return collect(c.Routing.Members(ctx, support))
			},
			[]genesys.Member{{ID: grace, Name: "Grace", RoutingStatus: "IDLE", Joined: true}, {ID: lin, Name: "Lin"}},
		},
		"routing.estimatedWait": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				d, known, err := c.Routing.EstimatedWait(ctx, support)
				require.True(t, known)
				return d, err
			},
			95 * time.Second,
		},
		"conversations.get": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				conv, err := c.Conversations.Get(ctx, conversation)
				if err != nil {
					return nil, err
				}
				require.Equal(t, []genesys.MessageRef{{ID: "0b000000-0000-4000-8000-000000000003", Status: "delivery-success", Time: at(0, 30)}}, conv.Participants[3].Messages)
				require.Equal(t, map[string]string{"topic": "billing"}, conv.Participants[0].Attributes)
				require.Equal(t, time.Date(2026, 11, 25, 10, 0, 30, 0, time.UTC), conv.Inactivity)
				s := conv.Standing(at(0, 0))
				return []string{string(s.Phase), s.QueueID, s.Agent.Name, s.Agent.UserID}, nil
			},
			[]string{"connected", support, "Grace", grace},
		},
		"conversations.transferToQueue": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return nil, c.Conversations.TransferToQueue(ctx, conversation, queueLeg, billing)
			}, nil,
		},
		"conversations.transferToAgent": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return nil, c.Conversations.TransferToAgent(ctx, conversation, queueLeg, lin)
			}, nil,
		},
		"conversations.attributes": {
			func(ctx context.Context, c *genesys.Client) (any, error) {
				return nil, c.Conversations.SetAttributes(ctx, conversation, customerLeg, map[string]string{"topic": "refund"})
			}, nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := load(t, name)
			w := &wire{handle: f.ServeHTTP}
			var op string
			c := w.client(t, genesys.WithObserver(func(_ context.Context, call genesys.Call) { op = call.Op }))
			got, err := tt.call(t.Context(), c)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Equal(t, name, op)

			requests := w.all()
			require.Len(t, requests, 1)
			f.matches(t, requests[0])
		})
	}
}

func (f fixture) matches(tb testing.TB, r sent) {
	tb.Helper()
	require.Equal(tb, f.Request.Method, r.Method)
	require.Equal(tb, "api.mypurecloud.ie", r.Host)
	require.Equal(tb, f.Request.Path, r.Path)
	require.Equal(tb, values(tb, f.Request.Query), values(tb, r.Query))
	require.Equal(tb, "Bearer token-1", r.Authorization)
	require.Equal(tb, "application/json", r.Header.Get("Accept"))
	if len(f.Request.Body) == 0 {
		require.Empty(tb, r.Body)
		require.Empty(tb, r.Header.Get("Content-Type"))
		return
	}
	require.JSONEq(tb, string(f.Request.Body), r.Body)
	require.Equal(tb, "application/json", r.Header.Get("Content-Type"))
}

func website() genesys.Integration {
	return genesys.Integration{
		ID: integration, Name: "Website chat", Status: "active", WebhookURL: "https://bots.example/genesys/web",
		RecipientID: "4ec00000-0000-4000-8000-000000000001", CreateStatus: "Completed",
	}
}

func supportQueue() genesys.Queue {
	return genesys.Queue{ID: support, Name: "Support", DivisionID: home, DivisionName: "Home", Members: 12}
}

func collect[T any](seq func(func(T, error) bool)) ([]T, error) {
	var out []T
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}
