package genesystest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

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
		if !a.off {
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

// nameFits is the filter of the list: leading and trailing asterisks are allowed. Whether case matters is UNCERTAIN; here
// it does not, so a client that wants one queue must look at the name itself.
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
		return gone("queue")
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
		return gone("queue")
	}
	var all []memberBody
	for _, a := range q.members {
		all = append(all, memberBody{
			ID: a.id, Name: a.name, Joined: !a.off, MemberBy: "user",
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
	case a.off:
		return "OFF_QUEUE"
	case a.talking():
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
		return gone("queue")
	}
	intent := "ALL"
	if media, ok := c.vars["media"]; ok {
		if !slices.Contains([]string{"all", "call", "chat", "callback", "email", "videoComm", "message"}, media) {
			return badRequest("invalid.value", "mediaType", "is %q, which is none of the API's", media)
		}
		intent = strings.ToUpper(media)
	}
	d, known := q.estimate()
	if !known {
		return answerOK(waitBody{Results: []prediction{}})
	}
	return answerOK(waitBody{Results: []prediction{{intent, "SIMPLE", int(d / time.Second)}}})
}
