package genesystest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Queue is a queue of the organisation. Safe for concurrent use.
type Queue struct {
	o             *Org
	id, name      string
	division      *division
	created       time.Time
	members       []*Agent
	estimatedWait *time.Duration
}

type division struct{ id, name string }

// Queue returns the queue with exactly this name. It makes one in the home division if there is
// none.
func (o *Org) Queue(name string) *Queue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ensureQueue(name)
}

// QueueIn makes another queue in a division, which is made if need be. Queues of the same name
// may exist in other divisions.
func (o *Org) QueueIn(divisionName, name string) *Queue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addQueue(name, o.division(divisionName))
}

// ID returns the queue's id.
func (q *Queue) ID() string { return q.id }

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// DivisionID returns the id of the queue's division.
func (q *Queue) DivisionID() string { return q.division.id }

// Waiting returns the number of conversations in the queue, including those on offer to an agent.
func (q *Queue) Waiting() int {
	q.o.mu.Lock()
	defer q.o.mu.Unlock()
	return q.waiting()
}

func (q *Queue) waiting() int {
	n := 0
	for _, c := range q.o.conversations {
		if p := c.leg(purposeACD); p != nil && p.queue == q {
			n++
		}
	}
	return n
}

// SetEstimatedWait sets the queue's estimated wait. A negative d means that there is no estimate.
// By default the estimate is 30 s and a minute for each waiting conversation, and there is none
// without agents.
func (q *Queue) SetEstimatedWait(d time.Duration) {
	q.o.mu.Lock()
	defer q.o.mu.Unlock()
	q.estimatedWait = &d
}

func (q *Queue) estimate() (time.Duration, bool) {
	switch {
	case q.estimatedWait != nil:
		return *q.estimatedWait, *q.estimatedWait >= 0
	case len(q.members) == 0:
		return 0, false
	default:
		return time.Duration(q.waiting())*time.Minute + 30*time.Second, true
	}
}

func (o *Org) ensureQueue(name string) *Queue {
	if i := slices.IndexFunc(o.queues, func(q *Queue) bool { return q.name == name }); i >= 0 {
		return o.queues[i]
	}
	return o.addQueue(name, o.divisions[0])
}

func (o *Org) addQueue(name string, d *division) *Queue {
	q := &Queue{o: o, id: o.uuid("queue"), name: name, division: d, created: o.now()}
	o.queues = append(o.queues, q)
	return q
}

// findQueue returns a queue by id or exact name, or nil.
func (o *Org) findQueue(name string) *Queue {
	for _, q := range o.queues {
		if q.id == name {
			return q
		}
	}
	for _, q := range o.queues {
		if q.name == name {
			return q
		}
	}
	return nil
}

func (o *Org) division(name string) *division {
	if i := slices.IndexFunc(o.divisions, func(d *division) bool { return d.name == name }); i >= 0 {
		return o.divisions[i]
	}
	d := &division{id: o.uuid("division"), name: name}
	o.divisions = append(o.divisions, d)
	return d
}

type queueBody struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Division     ref    `json:"division"`
	DateCreated  string `json:"dateCreated"`
	DateModified string `json:"dateModified"`
	Members      int    `json:"memberCount"`
	UserMembers  int    `json:"userMemberCount"`
	Joined       int    `json:"joinedMemberCount"`
	SelfURI      string `json:"selfUri"`
}

func (q *Queue) body() queueBody {
	joined := 0
	for _, a := range q.members {
		if !a.offQueue {
			joined++
		}
	}
	return queueBody{
		ID: q.id, Name: q.name, Division: q.division.ref(), DateCreated: stamp(q.created), DateModified: stamp(q.created),
		Members: len(q.members), UserMembers: len(q.members), Joined: joined, SelfURI: "/api/v2/routing/queues/" + q.id,
	}
}

func (d *division) ref() ref {
	return ref{ID: d.id, Name: d.name, SelfURI: "/api/v2/authorization/divisions/" + d.id}
}

func (q *Queue) ref() *ref {
	return &ref{ID: q.id, Name: q.name, SelfURI: "/api/v2/routing/queues/" + q.id}
}

func (o *Org) listQueues(c *call) answer {
	query := c.request.URL.Query()
	var all []queueBody
	for _, q := range o.queues {
		if nameFits(query.Get("name"), q.name) && among(query["divisionId"], q.division.id) && among(query["id"], q.id) {
			all = append(all, q.body())
		}
	}
	slices.SortStableFunc(all, func(a, b queueBody) int { return cmp.Compare(a.Name, b.Name) })
	if query.Get("sortOrder") == "desc" {
		slices.Reverse(all)
	}
	return page(c, all, 500, true)
}

// nameFits applies the name filter of the list, which allows leading and trailing asterisks.
// Whether Genesys ignores case is UNCERTAIN. The fake does, so a client that wants one queue must
// compare the names itself.
func nameFits(filter, name string) bool {
	f, n := strings.ToLower(filter), strings.ToLower(name)
	core := strings.Trim(f, "*")
	switch {
	case f == "":
		return true
	case strings.HasPrefix(f, "*") && strings.HasSuffix(f, "*"):
		return strings.Contains(n, core)
	case strings.HasPrefix(f, "*"):
		return strings.HasSuffix(n, core)
	case strings.HasSuffix(f, "*"):
		return strings.HasPrefix(n, core)
	default:
		return n == f
	}
}

func among(wanted []string, id string) bool { return len(wanted) == 0 || slices.Contains(wanted, id) }

func (o *Org) queueOf(c *call) *Queue {
	for _, q := range o.queues {
		if q.id == c.vars["queue"] {
			return q
		}
	}
	return nil
}

func (o *Org) getQueue(c *call) answer {
	q := o.queueOf(c)
	if q == nil {
		return notFound("queue")
	}
	return answerOK(q.body())
}

type memberBody struct {
	ID            string        `json:"id"`
	Name          string        `json:"name"`
	User          memberUser    `json:"user"`
	Joined        bool          `json:"joined"`
	MemberBy      string        `json:"memberBy"`
	RoutingStatus routingStatus `json:"routingStatus"`
	SelfURI       string        `json:"selfUri"`
}

type memberUser struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int    `json:"version"`
	SelfURI string `json:"selfUri"`
}

type routingStatus struct {
	UserID string `json:"userId"`
	Status string `json:"status"`
}

func (o *Org) listMembers(c *call) answer {
	q := o.queueOf(c)
	if q == nil {
		return notFound("queue")
	}
	var all []memberBody
	for _, a := range q.members {
		all = append(all, memberBody{
			ID: a.id, Name: a.name, Joined: !a.offQueue, MemberBy: "user",
			User:          memberUser{ID: a.id, Name: a.name, Version: 1, SelfURI: "/api/v2/users/" + a.id},
			RoutingStatus: routingStatus{a.id, a.routing()},
			SelfURI:       "/api/v2/routing/queues/" + q.id + "/members/" + a.id,
		})
	}
	slices.SortStableFunc(all, func(a, b memberBody) int { return cmp.Compare(a.Name, b.Name) })
	if c.request.URL.Query().Get("sortOrder") == "desc" {
		slices.Reverse(all)
	}
	return page(c, all, 100, false)
}

func (a *Agent) routing() string {
	switch {
	case a.offQueue:
		return "OFF_QUEUE"
	case a.interacting():
		return "INTERACTING"
	default:
		return "IDLE"
	}
}

type waitBody struct {
	Results []prediction `json:"results"`
}

type prediction struct {
	Intent  string `json:"intent,omitempty"`
	Formula string `json:"formula"`
	Seconds int    `json:"estimatedWaitTimeSeconds"`
}

func (o *Org) getWait(c *call) answer {
	q := o.queueOf(c)
	if q == nil {
		return notFound("queue")
	}
	intent := "ALL"
	if media, ok := c.vars["media"]; ok {
		if !slices.Contains([]string{"all", "call", "chat", "callback", "email", "videoComm", "message"}, media) {
			return badRequest("invalid.value", "mediaType", "is %q, which is not a media type of the API", media)
		}
		intent = strings.ToUpper(media)
	}
	d, known := q.estimate()
	if !known {
		return answerOK(waitBody{Results: []prediction{}})
	}
	return answerOK(waitBody{Results: []prediction{{intent, "SIMPLE", int(d / time.Second)}}})
}
