package simulation

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A cloud is a small Genesys Cloud: one integration, a bot queue, two agent queues, and agents who
// act at random.
type cloud struct {
	w               *world
	d               random // actions of agents
	signals         random // of sources
	endingAll       bool   // agents only end their conversations
	conversations   []*conversation
	known           map[string]*post // by message id and time
	delayedRequests int              // requests that will arrive later
	ids             int
	sending         effectLanes // messages of customers that are being sent
	openings        effectLanes // openings that are being sent, by identity
	disconnects     effectLanes // disconnects that run, by identity
}

// A conversation has one customer. It may end and be revived.
type conversation struct {
	id, customer string
	legs         []*leg
	past         []snapshot // oldest first
	posts        []*post
	outbound     []*outbound // to the customer
	lastReads    map[*replica]lastRead
	agentWroteAt time.Duration // last message of an agent
	known        bool          // the engine has stored an answer that names it
	reportedEnd  time.Duration // the end of the customer's leg that was reported last
	ahead        time.Duration // of Genesys' clock

	// Times of the last read that showed the customer gone, only the bot queue, or anything.
	customerGoneAt, onlyBotQueueAt, readAt time.Duration
}

// A leg is a participant. A time that has not been reached is never.
type leg struct {
	id, communication               string
	purpose, state, disconnectType  string
	queue, user                     string
	startedAt, connectedAt, endedAt time.Duration
	wrappedUpAt                     time.Duration // end of after-call work
	mustWrapUp                      bool          // has after-call work
	monitors                        string        // the leg that a supervisor monitors
	helper                          *leg          // the consulted agent
	silent, slow                    bool
	storedConnected                 bool // a record shows the agent as connected
}

// never is a time that has not been reached.
const never = time.Duration(-1)

func (l *leg) live() bool { return l.endedAt == never }

// agent reports whether the leg is an agent who is or was connected. A supervisor who monitors is
// not.
func (l *leg) agent() bool { return l.purpose == "agent" && l.monitors == "" && l.connectedAt != never }

// A snapshot is the state of a conversation that a read at its time shows.
type snapshot struct {
	at   time.Duration
	legs []leg
}

// A post is a message of a customer that arrived.
type post struct {
	id, customer, text string
	messageID          string
	channelTime        time.Time
	at                 time.Duration
	in                 *conversation
	leased             bool   // its sender held the lease
	session            string // in which it was sent, if its sender held the lease
}

func newCloud(w *world) *cloud {
	return &cloud{
		w: w, d: newRandom(w.plan.seed, "genesys"), signals: newRandom(w.plan.seed, "signals"),
		known: map[string]*post{}, sending: newEffectLanes("one message of a customer at a time"),
		openings: newEffectLanes("one opening at a time"), disconnects: newEffectLanes("one disconnect at a time"),
	}
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
	g.w.ledger.checkTenant(x.r, in.Channel.From.ID, x.path)
	if !strings.Contains(x.path, channelOf(in.Channel.From.ID)) {
		g.w.fail("what is for one channel reaches only that channel", customerOf(in.Channel.From.ID), "%s: %s", x.r.name, x.path)
	}
	key := in.Channel.From.ID + " " + in.Channel.MessageID + " " + in.Channel.Time.String()
	p := g.known[key]
	if p == nil || !g.w.plan.dedupe {
		again := p != nil
		p = &post{
			id: g.id("p"), customer: in.Channel.From.ID, text: in.Text, messageID: in.Channel.MessageID,
			channelTime: in.Channel.Time, at: g.w.now, in: g.enter(in.Channel.From.ID),
		}
		p.in.posts = append(p.in.posts, p)
		g.known[key] = p
		g.w.logf(customerOf(p.customer), "%s posts %q into %s", x.r.name, p.text, p.in.id)
		g.w.ledger.posted(x.r, p, again, x.abandoned)
	}
	answer := map[string]string{"id": p.id, "conversationId": p.in.id}
	if x.arrived = nil; g.unnamed(p) {
		delete(answer, "conversationId")
	} else if !x.abandoned {
		x.arrived = g.w.ledger.arrival(x.r, p)
	}
	body, _ := json.Marshal(answer) //nolint:errchkjson // strings
	return replied(http.StatusOK, string(body))
}

// unnamed reports whether the answer to a message omits the conversation id.
func (g *cloud) unnamed(p *post) bool {
	switch begins := p.in.posts[0] == p; g.w.plan.omitsID {
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
	_ = json.Unmarshal(x.body, &in) // an unreadable receipt has no effect
	g.w.ledger.receiptPosted(in.ID, in.Status)
	return replied(http.StatusOK, `{}`)
}

// getConversation returns the participants, or with faultStale those of an earlier time.
func (g *cloud) getConversation(x *exchange, id string) reply {
	c := g.find(id)
	if c == nil {
		return refused(http.StatusNotFound, "not.found")
	}
	g.w.ledger.checkTenant(x.r, c.customer, x.path)
	at := g.w.now
	if g.w.happens(faultStale) {
		at -= g.w.chaos.between(0, g.staleness())
	}
	for _, s := range slices.Backward(c.past) {
		if s.at <= at {
			c.noteShown(&s, g.w.now)
			g.w.ledger.noteRead(x.r, c, &s, at)
			x.readOf = c
			return replied(http.StatusOK, c.body(s.legs, at))
		}
	}
	g.w.logf(customerOf(c.customer), "%s reads %s too early", x.r.name, id)
	return refused(http.StatusNotFound, "not.found")
}

// staleness returns the maximum age of what a read shows. The engine trusts a read 5 s after its
// own write, and a second read 3 s after the first, by the clocks of replicas. So this age and the
// difference of the clocks must together be less.
func (g *cloud) staleness() time.Duration {
	if g.w.plan.has(faultSkew) {
		return 900 * time.Millisecond
	}
	return 2900 * time.Millisecond
}

// transfer replaces a leg by another queue. It is accepted at once and performed a little later.
func (g *cloud) transfer(x *exchange, id, participant string) reply {
	var in struct {
		QueueID string `json:"queueId"`
	}
	_ = json.Unmarshal(x.body, &in) // an unreadable body names no queue
	if id == "messages" {
		id, participant = strings.Split(x.path, "/")[2], strings.Split(x.path, "/")[4]
	}
	c := g.find(id)
	if c == nil || in.QueueID == "" {
		return refused(http.StatusNotFound, "not.found")
	}
	if !x.abandoned {
		g.w.ledger.checkTransfer(x.r, c)
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
	g.w.logf(customerOf(c.customer), "%s disconnects %s", x.r.name, id)
	if !x.abandoned {
		g.w.ledger.checkDisconnect(x.r, c)
	}
	if l := c.live("customer"); l != nil {
		g.endConversation(c, l, "client")
	}
	return replied(http.StatusOK, `{}`)
}

// exclude checks that an opening and a disconnect under one identity never run at the same time:
// the disconnect would end what the opening begins or joins. It returns what ends the request.
func (g *cloud) exclude(x *exchange) (done func()) {
	at := strings.Split(x.path, "/")
	lane, other, identity, what := g.openings, g.disconnects, "", ""
	switch {
	case x.message != nil && strings.HasPrefix(x.message.Text, "summary"):
		identity, what = x.message.Channel.From.ID, "the opening"
	case x.method == http.MethodPatch && len(at) > 2 && at[1] == "messages":
		if c := g.find(at[2]); c != nil {
			lane, other, identity, what = g.disconnects, g.openings, c.customer, "the disconnect of "+c.id
		}
	}
	if identity == "" {
		return func() {}
	}
	if o := other.running[identity]; o != nil && o.leased(g.w.now) && x.r.steady() {
		g.w.fail("an opening and a disconnect exclude each other", customerOf(identity), "%s begins %s while %s is in %s since %.3f", x.r.name, what, o.replica.name, o.what,
			o.startedAt.Seconds())
	}
	return lane.note(x.r, identity, what)
}

// enter returns the conversation for a customer's message: the live one, the last one revived, or a
// new one.
func (g *cloud) enter(customer string) *conversation {
	var c *conversation
	for _, o := range g.conversations {
		if o.customer == customer {
			c = o
		}
	}
	if c != nil && c.live("customer") != nil {
		return c
	}
	if c == nil || !g.w.plan.revive {
		c = &conversation{
			id: g.id("c"), customer: customer, agentWroteAt: never, customerGoneAt: never, onlyBotQueueAt: never, readAt: never, reportedEnd: never,
			lastReads: map[*replica]lastRead{}, ahead: g.w.plan.ahead,
		}
		g.conversations = append(g.conversations, c)
	}
	for _, l := range c.legs { // an agent with after-call work
		g.leave(l, "peer")
	}
	g.w.logf(customerOf(customer), "Genesys begins %s", c.id)
	g.join(c, "customer", "connected")
	g.w.after(g.d.between(50*time.Millisecond, 800*time.Millisecond), func() { g.flow(c) })
	g.changed(c)
	return c
}

// flow is the Architect flow. It puts the conversation into a queue.
func (g *cloud) flow(c *conversation) {
	if c.live("customer") == nil || c.live("acd") != nil || c.live("agent") != nil {
		return
	}
	if g.w.plan.routing == "flow" {
		g.enqueue(c, agentQueue)
		return
	}
	g.enqueue(c, botQueue)
	if g.d.chance(0.1) {
		g.webhook(c, g.id("f"), nil)
	}
}

func (g *cloud) join(c *conversation, purpose, state string) *leg {
	l := &leg{
		id: g.id("l"), communication: g.id("m"), purpose: purpose, state: state, startedAt: g.w.now, connectedAt: g.w.now, endedAt: never, wrappedUpAt: never,
	}
	c.legs = append(c.legs, l)
	return l
}

// live returns the live leg with a purpose, or nil. It ignores supervisors.
func (c *conversation) live(purpose string) *leg {
	for _, l := range c.legs {
		if l.purpose == purpose && l.live() && l.monitors == "" {
			return l
		}
	}
	return nil
}

// served returns the leg of the connected agent, or nil.
func (c *conversation) served() *leg {
	for _, l := range c.legs {
		if l.agent() && l.live() {
			return l
		}
	}
	return nil
}

// withAgents reports whether the agents have the conversation: one is connected or alerted, or it
// waits in their queue.
func (c *conversation) withAgents() bool {
	for _, l := range c.legs {
		if l.live() && l.monitors == "" && (l.purpose == "agent" || l.purpose == "acd" && l.queue != botQueue) {
			return true
		}
	}
	return false
}

func (g *cloud) leave(l *leg, how string) {
	if l.live() {
		l.state, l.disconnectType, l.endedAt = "disconnected", how, g.w.now
	}
}

// endConversation ends a conversation. by is the leg that leaves first, and how its disconnect
// type.
func (g *cloud) endConversation(c *conversation, by *leg, how string) {
	g.w.logf(customerOf(c.customer), "%s ends, by the %s", c.id, by.purpose)
	linger := by.purpose == "customer" && g.hasHabit(habitLinger)
	g.withdraw(c, by, how)
	for _, l := range c.legs {
		switch {
		case !l.live():
		case linger && l.agent():
			g.w.after(g.d.between(time.Second, time.Minute), func() {
				g.withdraw(c, l, "client")
				g.changed(c)
			})
		case how == "system":
			g.withdraw(c, l, how)
		default:
			g.withdraw(c, l, "peer")
		}
	}
	g.changed(c)
}

func (g *cloud) enqueue(c *conversation, queue string) {
	if c.live("customer") == nil {
		g.changed(c)
		return
	}
	l := g.join(c, "acd", "connected")
	l.queue = queue
	g.w.logf(customerOf(c.customer), "%s waits in %s", c.id, queue[len(queue)-4:])
	g.changed(c)
	if queue != botQueue {
		g.offerLater(c, l)
	}
}

const keptSnapshots = 12

// changed stores the present participants for later reads, and signals the change.
func (g *cloud) changed(c *conversation) {
	s := snapshot{at: g.w.now}
	for _, l := range c.legs {
		s.legs = append(s.legs, *l)
	}
	c.past = append(c.past, s)
	g.wakeCustomer(c)
	if len(c.past) > keptSnapshots {
		c.past = c.past[1:]
	}
	g.signalSources(c, true)
	g.reportEnd(c)
}

// wakeCustomer sometimes lets the customer act shortly after an event. Most bugs need such a race.
func (g *cloud) wakeCustomer(c *conversation) {
	for _, o := range g.w.customers {
		if o.key.Customer == customerOf(c.customer) && g.d.chance(0.25) {
			g.w.after(g.d.between(0, 2*time.Second), o.wakeUp)
		}
	}
}

// body returns the MessageConversation that a read shows: these legs, and the messages written
// until a time.
func (c *conversation) body(legs []leg, at time.Duration) string {
	type ref struct {
		ID string `json:"id,omitempty"`
	}
	type participant struct {
		ID        string `json:"id"`
		Purpose   string `json:"purpose"`
		State     string `json:"state"`
		Start     string `json:"startTime,omitempty"`
		Connected string `json:"connectedTime,omitempty"`
		End       string `json:"endTime,omitempty"`
		How       string `json:"disconnectType,omitempty"`
		Peer      string `json:"peer,omitempty"`
		Watches   string `json:"monitoredParticipantId,omitempty"`
		Wrapup    bool   `json:"wrapupRequired,omitempty"`
		Wrapped   string `json:"endAcwTime,omitempty"`
		Queue     ref    `json:"queue,omitzero"`
		User      ref    `json:"user,omitzero"`

		Messages []wireRef `json:"messages"`
	}
	list := make([]participant, 0, len(legs)+1)
	customer, last := "", ""
	for i := range legs {
		if legs[i].purpose == "customer" {
			last = legs[i].id
		}
	}
	if flow := c.listedOutbound("", at); len(flow) > 0 {
		list = append(list, participant{
			ID: "flow", Purpose: "workflow", State: "disconnected", Start: flow[0].Time, End: flow[0].Time, Messages: flow,
		})
	}
	for _, l := range legs {
		p := participant{
			ID: l.id, Purpose: l.purpose, State: l.state, Start: c.wireTime(l.startedAt), Connected: c.wireTime(l.connectedAt),
			End: c.wireTime(l.endedAt), How: l.disconnectType, Watches: l.monitors, Wrapup: l.mustWrapUp, Wrapped: c.wireTime(l.wrappedUpAt), Queue: ref{l.queue}, User: ref{l.user},
			Messages: c.listedOutbound(l.id, at),
		}
		if l.id == last {
			p.Messages = c.listedInbound(at)
		}
		if l.purpose == "customer" {
			customer = l.communication
		} else {
			p.Peer = customer
		}
		list = append(list, p)
	}
	body, _ := json.Marshal(map[string]any{"id": c.id, "participants": list}) //nolint:errchkjson // strings
	return string(body)
}

// noteShown records what a read shows of the end of a session. checkReason compares the end with
// it.
func (c *conversation) noteShown(s *snapshot, now time.Duration) {
	customer, bot, agents := false, false, false
	for i := range s.legs {
		l := &s.legs[i]
		switch {
		case !l.live() || l.monitors != "":
		case l.purpose == "customer":
			customer = true
		case l.purpose == "acd" && l.queue == botQueue:
			bot = true
		default:
			agents = true
		}
	}
	c.readAt = now
	if !customer {
		c.customerGoneAt = now
	} else if bot && !agents {
		c.onlyBotQueueAt = now
	}
}

// wireTime returns a time as Genesys writes it, by its clock.
func (c *conversation) wireTime(d time.Duration) string {
	if d == never {
		return ""
	}
	return epoch.Add(d + c.ahead).Format("2006-01-02T15:04:05.000Z")
}

// An outbound is a message to the customer as Genesys keeps it.
type outbound struct {
	id           string // in its webhook; also its text
	readID       string // in reads
	flow         bool
	conversation *conversation
	author       *leg // nil if the flow wrote it
	at           time.Duration

	named     bool                       // a notice has named it as missing
	lost      bool                       // all attempts of its webhook are lost
	fetchedAt map[*replica]time.Duration // when a replica fetched it last
	// The delivery's id in the record, or empty if it is not stored.
	storedAs string
}

// newOutbound makes a message to the customer. The caller sends its webhook.
func (g *cloud) newOutbound(c *conversation, by *leg, id string) *outbound {
	m := &outbound{
		id: id, readID: id, flow: by == nil, conversation: c, author: by, at: g.w.now.Truncate(time.Millisecond),
		fetchedAt: map[*replica]time.Duration{}, lost: g.w.happens(faultWebhookLost),
	}
	if g.w.plan.foreignIDs != "" {
		m.readID = "x" + id
	}
	c.outbound = append(c.outbound, m)
	return m
}

// A wireRef is a MessageDetails of the API.
type wireRef struct {
	ID     string `json:"messageId"`
	Status string `json:"messageStatus"`
	Time   string `json:"messageTime"`
}

// listedOutbound returns the messages written by a leg until a time, as a read lists them. An empty
// leg id means the flow.
func (c *conversation) listedOutbound(by string, at time.Duration) []wireRef {
	list := []wireRef{}
	for _, m := range c.outbound {
		if m.at <= at && (by == "" && m.author == nil || m.author != nil && m.author.id == by) {
			list = append(list, wireRef{m.readID, "sent", c.wireTime(m.at)})
		}
	}
	return list
}

// listedInbound returns the messages of the customer that arrived until a time. All are listed at
// the last leg of the customer.
func (c *conversation) listedInbound(at time.Duration) []wireRef {
	list := []wireRef{}
	for _, p := range c.posts {
		if p.at <= at {
			list = append(list, wireRef{p.id, "received", c.wireTime(p.at)})
		}
	}
	return list
}

// readMessages returns messages by the ids that reads list. Unknown ids are left out.
func (g *cloud) readMessages(x *exchange, id string) reply {
	var ids []string
	c := g.find(id)
	switch {
	case c == nil:
		return refused(http.StatusNotFound, "not.found")
	case g.w.plan.has(faultNoMessageView):
		return replied(http.StatusForbidden, `{"status":403,"code":"missing.permissions","message":"You are missing the following permission(s): `+
			`conversation:message:view","messageParams":{"permissions":"conversation:message:view"}}`)
	case json.Unmarshal(x.body, &ids) != nil:
		return refused(http.StatusBadRequest, "bad.request")
	}
	entities := []any{}
	for _, m := range c.outbound {
		if slices.Contains(ids, m.readID) && m.at <= g.w.now {
			entities = append(entities, m.stored(g.w.plan.foreignIDs))
		}
	}
	g.w.logf(customerOf(c.customer), "%s fetches %v of %s", x.r.name, ids, id)
	body, _ := json.Marshal(map[string]any{"entities": entities}) //nolint:errchkjson // strings
	return replied(http.StatusOK, string(body))
}

// stored returns the MessageData of the API. Which id its normalized message has is uncertain where
// ids differ.
func (m *outbound) stored(foreign string) any {
	type party struct {
		ID string `json:"id"`
	}
	id, origin := m.readID, "Human"
	if foreign == foreignReads {
		id = m.id
	}
	if m.flow {
		origin = "Bot"
	}
	at, channel := m.conversation.wireTime(m.at), channelOf(m.conversation.customer)
	return map[string]any{
		"id": m.readID, "direction": "outbound", "timestamp": at, "status": "sent", "conversationId": m.conversation.id,
		"normalizedMessage": map[string]any{
			"id": id, "type": "Text", "text": m.id, "originatingEntity": origin, "direction": "Outbound",
			"channel": map[string]any{"id": channel, "messageId": id, "to": party{m.conversation.customer}, "from": party{channel}, "time": at},
		},
	}
}
