package genesystest

import (
	"slices"
	"time"
)

// A Queue is one of the organisation's. Safe for concurrent use.
type Queue struct {
	o        *Org
	id, name string
	division *division
	created  time.Time
	members  []*Agent
	wait     *time.Duration
}

type division struct{ id, name string }

// Queue finds a queue by its exact name and makes it in the home division if there is none.
func (o *Org) Queue(name string) *Queue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queueMade(name)
}

// QueueIn makes another queue in a division, which is made if need be: two divisions may have queues of the same name.
func (o *Org) QueueIn(divisionName, name string) *Queue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addQueue(name, o.division(divisionName))
}

// ID is the queue's id.
func (q *Queue) ID() string { return q.id }

// Name is the queue's name.
func (q *Queue) Name() string { return q.name }

// DivisionID is the id of the division the queue belongs to.
func (q *Queue) DivisionID() string { return q.division.id }

// Waiting counts the conversations that stand in the queue, ringing ones included.
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

// SetEstimatedWait says what the estimate for the queue answers; negative: that there is none. Without it the estimate is
// a minute for each conversation that waits and 30 s more, and none without agents.
func (q *Queue) SetEstimatedWait(d time.Duration) {
	q.o.mu.Lock()
	defer q.o.mu.Unlock()
	q.wait = &d
}

func (q *Queue) estimate() (time.Duration, bool) {
	switch {
	case q.wait != nil:
		return *q.wait, *q.wait >= 0
	case len(q.members) == 0:
		return 0, false
	default:
		return time.Duration(q.waiting())*time.Minute + 30*time.Second, true
	}
}

func (o *Org) queueMade(name string) *Queue {
	if i := slices.IndexFunc(o.queues, func(q *Queue) bool { return q.name == name }); i >= 0 {
		return o.queues[i]
	}
	return o.addQueue(name, o.divisions[0])
}

func (o *Org) addQueue(name string, d *division) *Queue {
	q := &Queue{o: o, id: o.uuid("queue"), name: name, division: d, created: now()}
	o.queues = append(o.queues, q)
	return q
}

// queueNamed finds a queue by id or exact name; nil if there is none.
func (o *Org) queueNamed(name string) *Queue {
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
