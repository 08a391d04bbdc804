package scenario_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// pass waits for d in the time of the bubble, and until all other goroutines wait too. So a test
// may read afterwards what callbacks have written. Callbacks use wait.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// says forwards a message of the customer and checks the turn.
func (h *host) says(t *testing.T, customer, id, text string, want handover.Turn) {
	t.Helper()
	turn, err := h.desk.Forward(t.Context(), handover.Customer(customer), handover.Text(id, text))
	require.NoError(t, err)
	require.Equal(t, want, turn, "turn of %q", text)
}

// handOver requests an agent with a summary.
func (h *host) handOver(t *testing.T, customer, id string) handover.Session {
	t.Helper()
	s, err := h.desk.HandOver(t.Context(), handover.Customer(customer), handover.Request{ID: id, Summary: "summary " + id})
	require.NoError(t, err)
	return s
}

// end requests the end of the session.
func (h *host) end(t *testing.T, customer string, reason handover.EndReason) {
	t.Helper()
	require.NoError(t, h.desk.End(t.Context(), handover.Customer(customer), reason))
}

// session returns the customer's stored session.
func (h *host) session(t *testing.T, customer string) handover.Session {
	t.Helper()
	s, err := h.desk.Session(t.Context(), handover.Customer(customer))
	require.NoError(t, err)
	return s
}

// turn returns who may speak to the customer.
func (h *host) turn(t *testing.T, customer string) handover.Turn {
	t.Helper()
	turn, err := h.desk.Turn(t.Context(), handover.Customer(customer))
	require.NoError(t, err)
	return turn
}

// reaches waits until the session is in a state.
func (h *host) reaches(t *testing.T, customer string, want handover.State) {
	t.Helper()
	genesystest.Until(t, func() bool { return h.session(t, customer).State == want })
}

// connected hands the customer over to the agent and waits until the session is connected.
func (h *host) connected(t *testing.T, customer string, agent *genesystest.Agent) *genesystest.Desk {
	t.Helper()
	h.handOver(t, customer, "r-"+customer)
	chat := agent.Wait(t).Accept()
	h.reaches(t, customer, handover.StateConnected)
	return chat
}

// staffed returns an organisation with the agent Ann, who serves the queue Support.
func staffed(t *testing.T, options ...genesystest.Option) (*genesystest.Org, *genesystest.Agent) {
	t.Helper()
	org := genesystest.New(t, options...)
	return org, org.Agent("Ann", "Support")
}

// hosted returns a staffed organisation and a host that runs on it.
func hosted(t *testing.T, configure ...func(*handover.Config)) (*genesystest.Org, *genesystest.Agent, *host) {
	t.Helper()
	org, ann := staffed(t)
	return org, ann, newHost(t, org, configure...)
}

// talking returns a host with a customer c1 who is connected to Ann.
func talking(t *testing.T, configure ...func(*handover.Config)) (*genesystest.Org, *genesystest.Agent, *host, *genesystest.Desk) {
	t.Helper()
	org, ann, h := hosted(t, configure...)
	return org, ann, h, h.connected(t, "c1", ann)
}

// signalled is like talking, with a signal source.
func signalled(t *testing.T, configure ...func(*handover.Config)) (*genesystest.Org, *genesystest.Agent, *host, *genesystest.Desk) {
	t.Helper()
	org, ann, h := hosted(t, configure...)
	org.Signal(h.desk.Recheck)
	return org, ann, h, h.connected(t, "c1", ann)
}

// open puts the conversation of c1 into the bot queue. The summary contains the id of the request.
func (h *host) open(t *testing.T, id string) handover.Session {
	t.Helper()
	s, err := h.desk.Open(t.Context(), handover.Customer("c1"), handover.Request{ID: id, Summary: "summary " + id})
	require.NoError(t, err)
	return s
}

// requests returns the requests of an operation that the organisation received.
func requests(org *genesystest.Org, op string) []genesystest.Request {
	var list []genesystest.Request
	for _, r := range org.Requests() {
		if r.Op == op {
			list = append(list, r)
		}
	}
	return list
}

// A posted is a message as the organisation received it.
type posted struct {
	Text    string `json:"text"`
	Channel struct {
		MessageID string `json:"messageId"`
		Time      string `json:"time"`
		From      struct {
			ID string `json:"id"`
		} `json:"from"`
	} `json:"channel"`
	At     time.Time `json:"-"`
	Status int       `json:"-"`
}

// posts returns the customer's messages in the order of their answers, including those that
// were refused or not answered.
func posts(t *testing.T, org *genesystest.Org) []posted {
	t.Helper()
	var list []posted
	for _, r := range requests(org, "openmessaging.send") {
		var p posted
		require.NoError(t, json.Unmarshal(r.Body, &p))
		p.At, p.Status = r.Time, r.Status
		list = append(list, p)
	}
	return list
}

// postsOf returns the posts with a text.
func postsOf(t *testing.T, org *genesystest.Org, text string) []posted {
	t.Helper()
	var list []posted
	for _, p := range posts(t, org) {
		if p.Text == text {
			list = append(list, p)
		}
	}
	return list
}

// agentReads returns the customer's messages in a conversation, in order, as the agent sees them,
// including those from before a revival.
func agentReads(c *genesystest.Conversation) []string {
	list := []string{}
	if c == nil {
		return list
	}
	for _, e := range c.Transcript() {
		if e.From == "customer" {
			list = append(list, e.Text)
		}
	}
	return list
}
