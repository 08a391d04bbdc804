package genesys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	nearestNames = 3
	nearestFrom  = 2000 // queues looked at for near names: four requests
)

// A QueueNotFoundError says that no queue has the name, and which come near. errors.Is finds [ErrNotFound].
type QueueNotFoundError struct {
	Name, DivisionID string
	Nearest          []string // at most three; empty where none is near or the listing failed
}

// Error names the nearest.
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

// Is matches ErrNotFound.
func (*QueueNotFoundError) Is(target error) bool { return target == ErrNotFound }

// An AmbiguousQueueError says that several queues have the name. errors.Is finds [ErrAmbiguous].
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
	return fmt.Sprintf("genesys: %d queues are named %q, in the divisions %s: give the division, or the queue's id",
		len(e.Queues), e.Name, strings.Join(divisions, ", "))
}

// Is matches ErrAmbiguous.
func (*AmbiguousQueueError) Is(target error) bool { return target == ErrAmbiguous }

// QueueNamed finds the queue with exactly this name, in the division if one is given. The comparison is made here, byte for
// byte, since Genesys' filter takes wildcards and its case rule is UNCERTAIN.
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

// nearest is a courtesy: where the listing fails there are no names.
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

// fold leaves what people mistype: case, and space around and between words.
func fold(s string) []rune { return []rune(strings.ToLower(strings.Join(strings.Fields(s), " "))) }

// nearness counts edits; -1 is not near. A name that contains the other is as near as a few edits.
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

// edits is the Levenshtein distance.
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
