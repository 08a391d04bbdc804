package genesys_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

const (
	queueForm    = "POST /api/v2/conversations/" + conversation + "/participants/" + queueLeg + "/replace/queue"
	agentForm    = "POST /api/v2/conversations/" + conversation + "/participants/" + queueLeg + "/replace/agent"
	messagesForm = "POST /api/v2/conversations/messages/" + conversation + "/participants/" + queueLeg + "/replace"
)

func missing(permissions string) string {
	return `{"code":"missing.any.permissions","messageParams":{"permissions":"[` + permissions + `]"}}`
}

func TestTransferForms(t *testing.T) {
	t.Parallel()
	type step struct {
		status int
		body   string
	}
	tests := map[string]struct {
		steps   []step
		forms   int
		status  int // of the error; 0: none
		missing []string
		effect  genesys.Effect
	}{
		"the first form does":         {steps: []step{{202, ""}}, forms: 1},
		"403, the messages form does": {steps: []step{{403, missing("a:b:c")}, {202, ""}}, forms: 2},
		"404, the messages form does": {steps: []step{{404, "{}"}, {202, ""}}, forms: 2},
		"409, the messages form does": {steps: []step{{409, "{}"}, {204, ""}}, forms: 2},
		"400 is final":                {steps: []step{{400, "{}"}}, forms: 1, status: 400, effect: genesys.EffectRefused},
		"503 is final":                {steps: []step{{503, "{}"}}, forms: 1, status: 503, effect: genesys.EffectUnknown},
		"429 is final":                {steps: []step{{429, "{}"}}, forms: 1, status: 429, effect: genesys.EffectNone},
		"both forbidden": {
			steps: []step{{403, missing("x:y:blindTransfer, x:y:blindTransferQueue")}, {403, missing("x:y:blindTransfer")}},
			forms: 2, status: 403, missing: []string{"x:y:blindTransfer", "x:y:blindTransferQueue"}, effect: genesys.EffectRefused,
		},
		"a permission says more than not found": {
			steps: []step{{403, missing("x:y:z")}, {404, "{}"}}, forms: 2, status: 403, missing: []string{"x:y:z"}, effect: genesys.EffectRefused,
		},
		"and the other way round": {
			steps: []step{{404, "{}"}, {403, missing("x:y:z")}}, forms: 2, status: 403, missing: []string{"x:y:z"}, effect: genesys.EffectRefused,
		},
		"doubt in the second stays": {steps: []step{{403, "{}"}, {500, "{}"}}, forms: 2, status: 500, effect: genesys.EffectUnknown},
	}
	for name, tt := range tests {
		for form, call := range map[string]func(*genesys.Client) error{
			queueForm: func(c *genesys.Client) error {
				return c.Conversations.TransferToQueue(t.Context(), conversation, queueLeg, billing)
			},
			agentForm: func(c *genesys.Client) error {
				return c.Conversations.TransferToAgent(t.Context(), conversation, queueLeg, lin)
			},
		} {
			t.Run(name+form[strings.LastIndex(form, "/"):], func(t *testing.T) {
				t.Parallel()
				n := 0
				w := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
					answer(rw, tt.steps[n].status, tt.steps[n].body)
					n++
				}}
				err := call(w.client(t))
				require.Equal(t, []string{form, messagesForm}[:tt.forms], w.paths())
				for _, r := range w.all() {
					require.Equal(t, w.all()[0].Body, r.Body)
				}
				if tt.status == 0 {
					require.NoError(t, err)
					return
				}
				e, ok := errors.AsType[*genesys.Error](err)
				require.True(t, ok)
				require.Equal(t, tt.status, e.StatusCode)
				require.Equal(t, tt.missing, e.MissingPermissions)
				require.Equal(t, tt.effect, genesys.EffectOf(err))
			})
		}
	}
}

func TestTransferNeedsATarget(t *testing.T) {
	t.Parallel()
	w := &wire{handle: empty}
	c := w.client(t)
	require.ErrorContains(t, c.Conversations.TransferToQueue(t.Context(), conversation, queueLeg, ""), "queue's id is empty")
	require.ErrorContains(t, c.Conversations.TransferToAgent(t.Context(), conversation, queueLeg, ""), "agent's id is empty")
	require.NoError(t, c.Conversations.SetAttributes(t.Context(), conversation, customerLeg, nil))
	require.Empty(t, w.all())
}

func TestDisconnectLadder(t *testing.T) {
	t.Parallel()
	live := string(load(t, "conversations.get").Response.Body)
	const (
		get           = "GET /api/v2/conversations/messages/" + conversation
		whole         = "PATCH /api/v2/conversations/messages/" + conversation
		communication = whole + "/participants/" + customerLeg + "/communications/b0000000-0000-4000-8000-000000000001"
	)
	ended := `{"participants":[{"purpose":"customer","state":"disconnected"},{"purpose":"agent","state":"connected"}]}`
	unnamed := `{"participants":[{"id":"c","purpose":"customer","state":"connected"},{"purpose":"acd","state":"connected"}]}`
	generic := `{"participants":[{"id":"` + customerLeg + `","purpose":"customer","messages":[
		{"id":"old","state":"disconnected"},{"id":"b0000000-0000-4000-8000-000000000001","state":"connected"}]}]}`
	tests := map[string]struct {
		read       string
		readStatus int
		first      int // status of the communication form
		second     int // status of the conversation form
		want       []string
		status     int // of the error
		missing    []string
	}{
		"by the communication":       {read: live, first: 200, want: []string{get, communication}},
		"named by a generic read":    {read: generic, first: 200, want: []string{get, communication}},
		"403, then the conversation": {read: live, first: 403, second: 200, want: []string{get, communication, whole}},
		"404, then the conversation": {read: live, first: 404, second: 200, want: []string{get, communication, whole}},
		"400, then the conversation": {read: live, first: 400, second: 200, want: []string{get, communication, whole}},
		"409, then the conversation": {read: live, first: 409, second: 200, want: []string{get, communication, whole}},
		"both refused":               {read: live, first: 404, second: 403, want: []string{get, communication, whole}, status: 403, missing: []string{"conversation:communication:disconnect"}},
		"503 is no refusal":          {read: live, first: 503, want: []string{get, communication}, status: 503},
		"no communication named":     {read: unnamed, second: 200, want: []string{get, whole}},
		"the read is forbidden":      {read: "{}", readStatus: 403, second: 200, want: []string{get, whole}},
		"the read fails":             {read: "{}", readStatus: 500, want: []string{get}, status: 500},
		"no such conversation":       {read: "{}", readStatus: 404, want: []string{get}, status: 404},
		"ended already":              {read: ended, want: []string{get}},
		"nobody there":               {read: `{"participants":[]}`, want: []string{get}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{handle: func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodGet:
					answer(rw, max(tt.readStatus, 200*(1-min(tt.readStatus, 1))), tt.read)
				case strings.Contains(r.URL.Path, "/communications/"):
					answer(rw, tt.first, "{}")
				default:
					answer(rw, tt.second, missing("conversation:communication:disconnect"))
				}
			}}
			err := w.client(t).Conversations.Disconnect(t.Context(), conversation)
			require.Equal(t, tt.want, w.paths())
			for _, r := range w.all()[1:] {
				require.JSONEq(t, `{"state":"disconnected"}`, r.Body)
			}
			if tt.status == 0 {
				require.NoError(t, err)
				return
			}
			e, ok := errors.AsType[*genesys.Error](err)
			require.True(t, ok)
			require.Equal(t, tt.status, e.StatusCode)
			require.Equal(t, tt.missing, e.MissingPermissions)
		})
	}
}

func TestDisconnectFixture(t *testing.T) {
	t.Parallel()
	read, patch := load(t, "conversations.get"), load(t, "conversations.disconnect")
	w := &wire{handle: func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			read.ServeHTTP(rw, r)
			return
		}
		patch.ServeHTTP(rw, r)
	}}
	require.NoError(t, w.client(t).Conversations.Disconnect(t.Context(), conversation))
	patch.matches(t, w.all()[1])
}

func TestPathSegments(t *testing.T) {
	t.Parallel()
	bad := []string{"", ".", "..", "a/b", "../../users/me", "%2e%2e", "a%2Fb", "a%252fb", `a\b`, "a%5cb", "a\x00b", "a\nb", strings.Repeat("x", 1025)}
	w := &wire{handle: empty}
	c := w.client(t)
	for _, id := range bad {
		_, err := c.Conversations.Get(t.Context(), id)
		require.ErrorContains(t, err, "genesys: conversations.get: path segment 3 ", id)
		require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
		require.Error(t, c.Conversations.TransferToQueue(t.Context(), conversation, id, billing), id)
		require.Error(t, c.Conversations.Disconnect(t.Context(), id), id)
	}
	require.Error(t, c.Do(t.Context(), genesys.Request{Op: "test"}, nil), "no path")
	require.Empty(t, w.all())

	for id, want := range map[string]string{
		"a b": "a%20b", "ä?#": "%C3%A4%3F%23", "50%": "50%25", "a:b@c": "a:b@c", "...": "...",
	} {
		_, err := c.Conversations.Get(t.Context(), id)
		require.NoError(t, err)
		all := w.all()
		require.Equal(t, "/api/v2/conversations/messages/"+want, all[len(all)-1].Path)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	f := load(t, "conversations.messages")
	w := &wire{handle: f.ServeHTTP}
	list, err := w.client(t).Conversations.Messages(t.Context(), conversation, []string{
		"0b000000-0000-4000-8000-000000000004", "0b000000-0000-4000-8000-000000000003", "0b000000-0000-4000-8000-000000000009",
	})
	require.NoError(t, err)
	f.matches(t, w.all()[0])
	require.Len(t, list, 2, "what Genesys does not know is left out")

	known, bare := list[0], list[1]
	require.Equal(t, "0b000000-0000-4000-8000-000000000003", known.ID)
	require.True(t, known.Outbound)
	require.Equal(t, at(0, 30), known.Time)
	require.Equal(t, "delivery-success", known.Status)
	require.Equal(t, "ada", known.Message.CustomerID)
	require.Equal(t, integration, known.Message.IntegrationID)
	require.Equal(t, openmessaging.OriginHuman, known.Message.Origin)
	require.Equal(t, openmessaging.Message{Text: "Let me look."}, known.Message.Body)

	require.Equal(t, bare.ID, bare.Message.ID, "nothing normalized: still named and timed")
	require.Equal(t, at(0, 40), bare.Message.Time)
	require.IsType(t, openmessaging.UnknownBody{}, bare.Message.Body)
}

func TestMessagesRefusals(t *testing.T) {
	t.Parallel()
	w := &wire{handle: empty}
	c := w.client(t)
	list, err := c.Conversations.Messages(t.Context(), conversation, nil)
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = c.Conversations.Messages(t.Context(), conversation, make([]string, genesys.MaxBulkMessages+1))
	require.ErrorContains(t, err, "51 ids, the limit is 50")
	_, err = c.Conversations.Messages(t.Context(), conversation, []string{"a", ""})
	require.ErrorContains(t, err, "an id is empty")
	require.Equal(t, genesys.EffectNone, genesys.EffectOf(err))
	require.Empty(t, w.all())

	forbidden := &wire{handle: func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, http.StatusForbidden, missing("conversation:message:view"))
	}}
	_, err = forbidden.client(t).Conversations.Messages(t.Context(), conversation, []string{"a"})
	require.ErrorIs(t, err, genesys.ErrForbidden)
	require.ErrorContains(t, err, "conversation:message:view")
}
