package genesys

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"time"
)

// A RoutingService reads queues. It needs routing:queue:view, for the divisions of the queues.
//
// See https://developer.genesys.cloud/routing/routing/
type RoutingService struct{ c *core }

// A QueueFilter narrows a listing. Zero fields do not.
type QueueFilter struct {
	Name       string // as Genesys matches it: asterisks at both ends are wildcards; its case rule is UNCERTAIN
	DivisionID string
}

// A Queue is a line of conversations waiting for agents.
type Queue struct {
	ID, Name, DivisionID string
	DivisionName         string // may be empty
	Members              int    // all, whether they have joined or not
}

// A Member is an agent of a queue.
type Member struct {
	ID, Name      string
	RoutingStatus string // "IDLE", "INTERACTING", "NOT_RESPONDING", "OFF_QUEUE", "COMMUNICATING"; new values appear
	Joined        bool   // is on this queue
}

// Queues lists queues by name, 500 a request, lazily. The sequence ends after the first error.
func (s *RoutingService) Queues(ctx context.Context, f QueueFilter) iter.Seq2[Queue, error] {
	q := url.Values{}
	if f.Name != "" {
		q.Set("name", f.Name)
	}
	if f.DivisionID != "" {
		q.Set("divisionId", f.DivisionID)
	}
	return pages(ctx, s.c, Request{Op: "routing.queues.list", Path: queues(), Query: q}, 500, wireQueue.queue)
}

// Queue reads one by id. Errors: [ErrNotFound].
func (s *RoutingService) Queue(ctx context.Context, id string) (*Queue, error) {
	var w wireQueue
	if err := s.c.do(ctx, Request{Op: "routing.queues.get", Path: queues(id)}, &w); err != nil {
		return nil, err
	}
	return new(w.queue()), nil
}

// Members lists the members of a queue with their routing status, 100 a request, lazily. The sequence ends after the
// first error.
func (s *RoutingService) Members(ctx context.Context, queueID string) iter.Seq2[Member, error] {
	r := Request{Op: "routing.members.list", Path: queues(queueID, "members"), Query: url.Values{"expand": {"routingStatus"}}}
	return pages(ctx, s.c, r, 100, wireMember.member)
}

// EstimatedWait is Genesys' guess how long a message waits in the queue, and whether there is one: false where Genesys has
// no data, which is no error.
func (s *RoutingService) EstimatedWait(ctx context.Context, queueID string) (time.Duration, bool, error) {
	var answer struct {
		Results []estimate `json:"results"`
	}
	r := Request{Op: "routing.estimatedWait", Path: queues(queueID, "mediatypes", "message", "estimatedwaittime")}
	if err := s.c.do(ctx, r, &answer); err != nil {
		return 0, false, err
	}
	// Asked for messages, Genesys should answer for them; an older answer for all media is still a guess.
	slices.SortStableFunc(answer.Results, func(a, b estimate) int { return a.rank() - b.rank() })
	for _, e := range answer.Results {
		if e.Seconds != nil && *e.Seconds >= 0 && *e.Seconds <= maxEstimate.Seconds() {
			return time.Duration(*e.Seconds * float64(time.Second)), true, nil
		}
	}
	return 0, false, nil
}

const maxEstimate = 30 * 24 * time.Hour

type estimate struct {
	Intent  string   `json:"intent"`
	Seconds *float64 `json:"estimatedWaitTimeSeconds"`
}

func (e estimate) rank() int {
	switch e.Intent {
	case "MESSAGE":
		return 0
	case "", "ALL":
		return 1
	default:
		return 2
	}
}

func queues(rest ...string) []string { return append([]string{"routing", "queues"}, rest...) }

type wireQueue struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Division    ref    `json:"division"`
	MemberCount int    `json:"memberCount"`
}

func (w wireQueue) queue() Queue {
	return Queue{ID: w.ID, Name: w.Name, DivisionID: w.Division.ID, DivisionName: w.Division.Name, Members: w.MemberCount}
}

type wireMember struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	User          ref    `json:"user"`
	Joined        bool   `json:"joined"`
	RoutingStatus struct {
		Status string `json:"status"`
	} `json:"routingStatus"`
}

func (w wireMember) member() Member {
	m := Member{ID: w.ID, Name: w.Name, RoutingStatus: w.RoutingStatus.Status, Joined: w.Joined}
	if m.Name == "" {
		m.Name = w.User.Name
	}
	return m
}
