package genesys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A RoutingService reads queues. It needs routing:queue:view, for the divisions of the queues.
//
// See https://developer.genesys.cloud/routing/routing/
type RoutingService struct{ c *core }

// A QueueFilter narrows a listing. Zero fields do not narrow it.
type QueueFilter struct {
	// As Genesys matches it: asterisks at both ends are wildcards; whether case matters is
	// UNCERTAIN.
	Name       string
	DivisionID string
}

// A Queue is a queue of conversations that wait for agents.
type Queue struct {
	ID, Name, DivisionID string
	DivisionName         string // may be empty
	Members              int    // including those who have not joined
}

// A Member is an agent of a queue.
type Member struct {
	ID, Name string
	// "IDLE", "INTERACTING", "NOT_RESPONDING", "OFF_QUEUE", "COMMUNICATING"; new values appear.
	RoutingStatus string
	Joined        bool // is on queue for it
}

// Queues lists queues by name. It fetches 500 in each request, when they are needed. The sequence
// ends after the first error.
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

// Queue reads a queue by id. Errors: [ErrNotFound].
func (s *RoutingService) Queue(ctx context.Context, id string) (*Queue, error) {
	var w wireQueue
	if err := s.c.do(ctx, Request{Op: "routing.queues.get", Path: queues(id)}, &w); err != nil {
		return nil, err
	}
	return new(w.queue()), nil
}

// Members lists the members of a queue with their routing status. It fetches 100 in each request,
// when they are needed. The sequence ends after the first error.
func (s *RoutingService) Members(ctx context.Context, queueID string) iter.Seq2[Member, error] {
	r := Request{Op: "routing.members.list", Path: queues(queueID, "members"), Query: url.Values{"expand": {"routingStatus"}}}
	return pages(ctx, s.c, r, 100, wireMember.member)
}

// EstimatedWait returns Genesys' estimate of how long a message waits in the queue, and whether
// there is one. Missing data is not an error.
func (s *RoutingService) EstimatedWait(ctx context.Context, queueID string) (time.Duration, bool, error) {
	var answer struct {
		Results []estimate `json:"results"`
	}
	r := Request{Op: "routing.estimatedWait", Path: queues(queueID, "mediatypes", "message", "estimatedwaittime")}
	if err := s.c.do(ctx, r, &answer); err != nil {
		return 0, false, err
	}
	// The estimate for messages is preferred; one for all media is used if there is no other.
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

const (
	nearestNames = 3
	nearestFrom  = 2000 // queues that are searched for near names: four requests
)

// A QueueNotFoundError reports that no queue has the name, and which names are near. errors.Is
// finds [ErrNotFound].
type QueueNotFoundError struct {
	Name, DivisionID string
	Nearest          []string // at most three; empty if none is near or the listing failed
}

// Error names the nearest queues.
func (e *QueueNotFoundError) Error() string {
	text := fmt.Sprintf("genesys: no queue is named %q", e.Name)
	if e.DivisionID != "" {
		text += " in division " + e.DivisionID
	}
	if len(e.Nearest) > 0 {
		quoted := make([]string, len(e.Nearest))
		for i, n := range e.Nearest {
			quoted[i] = fmt.Sprintf("%q", n)
		}
		return text + "; near: " + strings.Join(quoted, ", ") + ". The name must be exact"
	}
	return text + "; the name must be exact, and the role needs Routing > Queue > View in the queue's division"
}

// Is reports whether target is ErrNotFound.
func (*QueueNotFoundError) Is(target error) bool { return target == ErrNotFound }

// An AmbiguousQueueError reports that several queues have the name. errors.Is finds [ErrAmbiguous].
type AmbiguousQueueError struct {
	Name   string
	Queues []Queue // in different divisions
}

// Error names the divisions.
func (e *AmbiguousQueueError) Error() string {
	divisions := make([]string, len(e.Queues))
	for i, q := range e.Queues {
		divisions[i] = strings.TrimSpace(q.DivisionName + " " + q.DivisionID)
	}
	return fmt.Sprintf("genesys: %d queues are named %q, in the divisions %s: set the division, or use the queue's id",
		len(e.Queues), e.Name, strings.Join(divisions, ", "))
}

// Is reports whether target is ErrAmbiguous.
func (*AmbiguousQueueError) Is(target error) bool { return target == ErrAmbiguous }

// QueueNamed returns the queue with exactly this name, in the division if divisionID is not empty.
// Names are compared byte by byte in this package, because Genesys' filter has wildcards and may
// ignore case (UNCERTAIN).
//
// Errors: *[QueueNotFoundError] with the nearest names, *[AmbiguousQueueError] with the divisions.
func (s *RoutingService) QueueNamed(ctx context.Context, name, divisionID string) (*Queue, error) {
	if strings.TrimSpace(name) == "" {
		return nil, invalid("routing.queues.list", errors.New("the queue's name is empty"))
	}
	var found []Queue
	for q, err := range s.Queues(ctx, QueueFilter{Name: name, DivisionID: divisionID}) {
		if err != nil {
			return nil, err
		}
		if q.Name == name && (divisionID == "" || q.DivisionID == divisionID) {
			found = append(found, q)
		}
	}
	switch len(found) {
	case 0:
		return nil, &QueueNotFoundError{Name: name, DivisionID: divisionID, Nearest: s.nearest(ctx, name, divisionID)}
	case 1:
		return &found[0], nil
	default:
		return nil, &AmbiguousQueueError{Name: name, Queues: found}
	}
}

// nearest returns the names that are most like name. It returns none if the listing fails.
func (s *RoutingService) nearest(ctx context.Context, name, divisionID string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	seen, want := 0, fold(name)
	for q, err := range s.Queues(ctx, QueueFilter{DivisionID: divisionID}) {
		if err != nil {
			break
		}
		if d := nearness(want, fold(q.Name)); d >= 0 {
			near = append(near, candidate{q.Name, d})
		}
		if seen++; seen == nearestFrom {
			break
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range near {
		if len(names) < nearestNames && !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	return names
}

// fold removes differences of case and of space around and between words.
func fold(s string) []rune { return []rune(strings.ToLower(strings.Join(strings.Fields(s), " "))) }

// nearness returns the number of edits between two names, or -1 if they are not near. A name that
// contains the other counts as a few edits.
func nearness(a, b []rune) int {
	limit := max(2, len(a)/3)
	if len(a) > 256 || len(b) > 256 {
		return -1
	}
	if d := edits(a, b); d <= limit {
		return d
	}
	if len(a) >= 3 && len(b) >= 3 && (strings.Contains(string(a), string(b)) || strings.Contains(string(b), string(a))) {
		return limit + 1
	}
	return -1
}

// edits returns the Levenshtein distance.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, ra := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, rb := range b {
			substitute := diagonal
			if ra != rb {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
