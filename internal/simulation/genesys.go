package simulation

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A cloud is a small Genesys Cloud: one integration, a bot queue, two agent queues, and agents who do what chance says.
type cloud struct {
	w             *world
	d             dice // what agents do
	signals       dice // what sources say
	closing       bool // every conversation comes to its end
	conversations []*conversation
	known         map[string]*post // by message id and time
	posting       int              // requests that will arrive later
	ids           int
	lane          effects // messages of customers on their way
}

// A conversation with one customer. It may end and be revived.
type conversation struct {
	id, customer string
	legs         []*leg
	past         []snapshot // oldest first
	posts        []*post
	said         []*said // to the customer
	looks        map[*replica]sight
	spokenAt     time.Duration // when an agent wrote last

	// When a read was answered last that shows the customer gone, only the bot queue there, or anything.
	shownGone, shownBack, shown time.Duration
}

// A leg is a participant. Times are -1 where there is none.
type leg struct {
	id, communication   string
	purpose, state, how string
	queue, user         string
	start, joined, end  time.Duration
	wrapped             time.Duration // when the agent had wrapped up
	wrapup              bool          // he has to
	watches             string        // the leg that a supervisor looks at
	helper              *leg          // who was asked in
	silent, slow        bool
	proven              bool // the engine has stored that an agent is there
}

const never = time.Duration(-1)

func (l *leg) live() bool { return l.end == never }

// agent reports whether a person has the conversation.
func (l *leg) agent() bool { return l.purpose == "agent" && l.watches == "" && l.joined != never }

type snapshot struct {
	at   time.Duration
	legs []leg
}

// A post is a message of the customer that arrived.
type post struct {
	id, customer, text string
	messageID          string
	wire               time.Time
	at                 time.Duration
	in                 *conversation
	under              bool // whoever posted it had the lane
}

func newCloud(w *world) *cloud {
	return &cloud{w: w, d: newDice(w.plan.seed, "genesys"), signals: newDice(w.plan.seed, "signals"), known: map[string]*post{}, lane: newEffects("one message of a customer at a time")}
}

func (g *cloud) id(kind string) string {
	g.ids++
	return ident(kind, g.ids)
}

// serve performs a request.
func (g *cloud) serve(x *exchange) reply {
	at := strings.Split(x.path, "/")
	switch {
	case len(at) > 1 && at[len(at)-2] == "open" && at[len(at)-1] == "message":
		return g.postMessage(x)
	case at[len(at)-1] == "receipt":
		return g.postReceipt(x)
	case len(at) < 3:
		return refused(http.StatusNotFound, "not.found")
	case x.method == http.MethodGet && at[1] == "messages":
		return g.getConversation(x, at[2])
	case x.fetches():
		return g.readMessages(x, at[2])
	case x.method == http.MethodPost && at[len(at)-2] == "replace":
		return g.transfer(x, at[1], at[3])
	case x.method == http.MethodPatch && at[1] == "messages":
		return g.disconnect(x, at[2])
	default:
		return refused(http.StatusNotFound, "not.found")
	}
}

func (g *cloud) find(id string) *conversation {
	i := slices.IndexFunc(g.conversations, func(c *conversation) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return g.conversations[i]
}

func (g *cloud) postMessage(x *exchange) reply {
	in := x.message
	if in == nil {
		return refused(http.StatusBadRequest, "bad.request")
	}
	if strings.Contains(in.Text, "poison") {
		return refused(http.StatusBadRequest, "bad.request")
	}
	key := in.Channel.From.ID + " " + in.Channel.MessageID + " " + in.Channel.Time.String()
	p := g.known[key]
	if p == nil || !g.w.plan.dedupe {
		again := p != nil
		p = &post{
			id: g.id("p"), customer: in.Channel.From.ID, text: in.Text, messageID: in.Channel.MessageID,
			wire: in.Channel.Time, at: g.w.now, in: g.enter(in.Channel.From.ID),
		}
		p.in.posts = append(p.in.posts, p)
		g.known[key] = p
		g.w.tell(customerOf(p.customer), "%s posts %q into %s", x.r.name, p.text, p.in.id)
		g.w.ledger.posted(x.r, p, again, x.late)
	}
	answer := map[string]string{"id": p.id, "conversationId": p.in.id}
	if g.unnamed(p) {
		delete(answer, "conversationId")
	}
	body, _ := json.Marshal(answer) //nolint:errchkjson // strings
	return replied(http.StatusOK, string(body))
}

// unnamed reports whether the answer to a message leaves its conversation out.
func (g *cloud) unnamed(p *post) bool {
	switch begins := p.in.posts[0] == p; g.w.plan.unnamed {
	case "reused":
		return !begins
	case "new":
		return begins
	default:
		return false
	}
}

func (g *cloud) postReceipt(x *exchange) reply {
	var in struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	_ = json.Unmarshal(x.body, &in) // an unreadable one says nothing
	g.w.ledger.receipt(in.ID, in.Status)
	return replied(http.StatusOK, `{}`)
}

// getConversation shows who is there, or was until a moment ago.
func (g *cloud) getConversation(x *exchange, id string) reply {
	c := g.find(id)
	if c == nil {
		return refused(http.StatusNotFound, "not.found")
	}
	at := g.w.now
	if g.w.happens(faultStale) {
		at -= g.w.chaos.between(0, g.staleness())
	}
	for _, s := range slices.Backward(c.past) {
		if s.at <= at {
			c.shows(&s, g.w.now)
			g.w.ledger.looks(x.r, c, at)
			return replied(http.StatusOK, c.body(s.legs, at))
		}
	}
	g.w.tell(customerOf(c.customer), "%s reads %s too early", x.r.name, id)
	return refused(http.StatusNotFound, "not.found")
}

// staleness: the engine trusts a read 5 s after its own write, and a second one 3 s after the first, by the clocks of the
// replicas. So what a read may miss and what clocks differ by have to stay below that together.
func (g *cloud) staleness() time.Duration {
	if g.w.plan.has(faultSkew) {
		return 900 * time.Millisecond
	}
	return 2900 * time.Millisecond
}

// transfer replaces the queue's leg by another queue: accepted now, performed a little later.
func (g *cloud) transfer(x *exchange, id, participant string) reply {
	var in struct {
		QueueID string `json:"queueId"`
	}
	_ = json.Unmarshal(x.body, &in) // an unreadable one names no queue
	if id == "messages" {
		id, participant = strings.Split(x.path, "/")[2], strings.Split(x.path, "/")[4]
	}
	c := g.find(id)
	if c == nil || in.QueueID == "" {
		return refused(http.StatusNotFound, "not.found")
	}
	i := slices.IndexFunc(c.legs, func(l *leg) bool { return l.id == participant && l.live() })
	if i < 0 {
		return refused(http.StatusConflict, "conflict")
	}
	l := c.legs[i]
	g.w.after(g.d.between(10*time.Millisecond, 400*time.Millisecond), func() {
		if l.live() {
			g.leave(l, "transfer")
			g.enqueue(c, in.QueueID)
		}
	})
	return replied(http.StatusAccepted, `{}`)
}

func (g *cloud) disconnect(x *exchange, id string) reply {
	c := g.find(id)
	switch {
	case c == nil:
		return refused(http.StatusNotFound, "not.found")
	case g.w.plan.has(faultDenied):
		return refused(http.StatusForbidden, "missing.permissions")
	}
	g.w.tell(customerOf(c.customer), "%s disconnects %s", x.r.name, id)
	if l := c.live("customer"); l != nil {
		g.over(c, l, "client")
	}
	return replied(http.StatusOK, `{}`)
}
