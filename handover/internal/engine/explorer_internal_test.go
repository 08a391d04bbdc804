package engine

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/stretchr/testify/require"
)

// TestExplorer runs the pure rules of one customer's record through every order of a few events,
// breadth first: two words, two handovers, an end, an agent who joins and leaves, one process that
// dies, one lost answer. After each event the ledger must account for every word. From a sample of
// the states all work must finish, with every word answered for.
//
// The model is small on purpose: only polls, no stale reads, one identity. The simulation covers
// the rest.
func TestExplorer(t *testing.T) {
	t.Parallel()
	limit := 6000
	if testing.Short() {
		limit = 1500
	}
	for name, threads := range map[string]bool{"a new conversation each time": false, "conversations are revived": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exploreRecord(t, limit, threads)
		})
	}
}

func exploreRecord(t *testing.T, limit int, threads bool) {
	t.Helper()
	start := &explored{
		f: &record.Record{Format: record.CurrentFormat, Created: 1, Touched: noon()}, now: noon(), threads: threads,
		left: map[string]int{"forward": 2, "hand over": 2, "end": 1, "crash": 1, "lose": 1, "fail": 1, "accept": 2, "leave": 2},
	}
	queue, seen := []*explored{start}, map[[32]byte]bool{}
	for n := 0; len(queue) > 0 && len(seen) < limit; n++ {
		s := queue[0]
		queue = queue[1:]
		for _, event := range s.events() {
			next := s.after(t, event)
			key := next.key(t)
			if seen[key] {
				continue
			}
			seen[key] = true
			next.check(t)
			if len(seen)%40 == 0 {
				next.clone(t).settles(t)
			}
			queue = append(queue, next)
		}
	}
	require.Greater(t, len(seen), limit/2, "the explorer must get somewhere")
	t.Logf("%d states", len(seen))
}

// An explored state is a record, its model of Genesys, and the events that led to it.
type explored struct {
	f       *record.Record
	now     machine.Time
	threads bool
	convs   []exploredConversation
	words   []exploredWord
	jobs    []*record.Job
	left    map[string]int // how often an event may still happen
	path    []string
}

// An exploredConversation is a conversation as Genesys has it.
type exploredConversation struct {
	id                                       string
	began, routed, accepted, agentLeft, over machine.Time
	words                                    map[string]machine.Time
}

// An exploredWord is the true state of a word.
type exploredWord struct {
	id                         string
	stored, returned, reported bool
}

func (s *explored) clone(t *testing.T) *explored {
	t.Helper()
	c := *s
	c.f = recordtest.Copied(t, s.f)
	c.convs = slices.Clone(s.convs)
	for i := range c.convs {
		c.convs[i].words = maps.Clone(s.convs[i].words)
	}
	c.words, c.jobs, c.path = slices.Clone(s.words), slices.Clone(s.jobs), slices.Clone(s.path)
	c.left = maps.Clone(s.left)
	return &c
}

// exploredTimes finds the times of a record, which are microseconds.
var exploredTimes = regexp.MustCompile(`\b1\d{15}\b`)

// key is the same for states that differ only in when they were reached.
func (s *explored) key(t *testing.T) [32]byte {
	t.Helper()
	c := recordtest.Copied(t, s.f)
	c.Log = nil
	data, err := json.Marshal(c) //nolint:musttag // as in encode
	require.NoError(t, err)
	text := string(data) + fmt.Sprint(s.left)
	for _, j := range s.jobs {
		text += fmt.Sprintln(j.Lane, j.Head.Seq, j.Lease.Until)
	}
	for _, c := range s.convs {
		text += c.id + "\n"
		for _, at := range []machine.Time{c.began, c.routed, c.accepted, c.agentLeft, c.over} {
			text += fmt.Sprintln(at)
		}
		text += fmt.Sprint(len(c.words))
	}
	text = exploredTimes.ReplaceAllStringFunc(text, func(q string) string {
		var at machine.Time
		_, _ = fmt.Sscan(q, &at)
		return fmt.Sprint(int(max(-90*time.Second, min(at.Sub(s.now), 90*time.Second)).Seconds()))
	})
	return sha256.Sum256([]byte(text))
}

// transact runs one transaction, and claims the due work of each lane if a worker is free.
func (s *explored) transact(fn func(*record.Transaction)) {
	tx := recordtest.NewTransaction(s.f)
	tx.Now = s.now
	n := len(s.path)
	tx.NewID = func() string { n++; return fmt.Sprintf("s%011d", n)[:environment.HandoverIDLength] }
	fn(tx)
	tx.Tidy()
	for _, x := range s.f.In.Entries { // a notice that names a word
		if x.Notice != nil && x.Notice.MessageID != "" {
			for i := range s.words {
				s.words[i].reported = s.words[i].reported || s.words[i].id == x.Notice.MessageID
			}
		}
	}
}

func (s *explored) conversation(id string) *exploredConversation {
	for i := range s.convs {
		if s.convs[i].id == id {
			return &s.convs[i]
		}
	}
	return nil
}

func (s *explored) flying(n record.LaneName) *record.Job {
	for _, j := range s.jobs {
		if j.Lane == n {
			return j
		}
	}
	return nil
}

// events lists the possible events.
func (s *explored) events() []string {
	var list []string
	may := func(event, budget string, yes bool) {
		if yes && (budget == "" || s.left[budget] > 0) {
			list = append(list, event)
		}
	}
	open := s.f.Open()
	may("forward", "forward", s.f.Handover != nil)
	may("hand over", "hand over", open == nil || open.State == machine.StateEnding)
	may("end", "end", open != nil && open.State != machine.StateEnding)
	for _, n := range []record.LaneName{record.ToGenesys, record.ToHost} {
		if j := s.flying(n); j != nil {
			may("settle "+string(n), "", true)
			may("lose "+string(n), "lose", n == record.ToGenesys)
			may("fail "+string(n), "fail", true)
			may("crash "+string(n), "crash", true)
			continue
		}
		tx := recordtest.NewTransaction(s.f)
		tx.Now = s.now
		may("claim "+string(n), "", tx.Ready(n) && tx.Lane(n).Lease.Free(s.now))
	}
	tx := recordtest.NewTransaction(s.f)
	tx.Now = s.now
	may("look", "", tx.Ready(record.Control))
	for _, c := range s.convs {
		may("accept "+c.id, "accept", !c.routed.IsZero() && c.accepted.IsZero() && c.over.IsZero())
		may("leave "+c.id, "leave", !c.accepted.IsZero() && c.over.IsZero())
	}
	if wake := s.f.WakeAt(); !wake.IsZero() && len(s.jobs) == 0 {
		may("wait", "", wake.After(s.now) && wake.Sub(s.now) < time.Hour)
	}
	return list
}

// after returns the state after an event.
func (s *explored) after(t *testing.T, what string) *explored {
	t.Helper()
	n := s.clone(t)
	n.path = append(n.path, what)
	n.now = n.now.Add(time.Second)
	verb, of, _ := strings.Cut(what, " ")
	if n.left[what] > 0 {
		n.left[what]--
	} else if n.left[verb] > 0 {
		n.left[verb]--
	}
	switch verb {
	case "forward":
		n.forward()
	case "hand":
		n.handOver()
	case "end":
		n.transact(func(tx *record.Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
		})
	case "claim":
		n.claim(t, record.LaneName(of))
	case "settle", "fail", "lose", "crash":
		n.outcome(record.LaneName(of), verb)
	case "look":
		n.look(t)
	case "accept":
		n.conversation(of).accepted = n.now
	case "leave":
		c := n.conversation(of)
		c.agentLeft, c.over = n.now, n.now
	case "wait":
		n.now = machine.Later(n.now, n.f.WakeAt())
		n.transact(func(*record.Transaction) {})
	}
	return n
}

func (s *explored) forward() {
	id := fmt.Sprintf("w%d", len(s.words)+1)
	s.transact(func(tx *record.Transaction) {
		turn, _ := tx.Forward(record.Message{ID: id, Text: id})
		s.words = append(s.words, exploredWord{id: id, stored: turn == machine.TurnAgent})
	})
}

func (s *explored) handOver() {
	s.transact(func(tx *record.Transaction) {
		c := machinetest.HandoverIn(machine.StateRequested)
		c.ID = tx.NewID()
		c.Request, c.ConversationID = "request "+c.ID, ""
		c.OpeningTriedAt, c.OpeningAcceptedAt, c.LastWriteAt, c.LastQueueID, c.AgentRequestedAt, c.WaitingSince = 0, 0, 0, "", 0, 0
		_, _ = tx.HandOver(c, &record.Opening{Texts: []string{"hello"}}, machine.Timers{})
	})
}

func (s *explored) claim(t *testing.T, n record.LaneName) {
	t.Helper()
	s.transact(func(tx *record.Transaction) {
		if n == record.ToHost && tx.In.Entries[0].Kind == record.KindReturn && !tx.In.Entries[0].Unsure {
			require.Nil(t, tx.Agents(), "a Return begins while an agent session is open: %v", s.path)
		}
		s.jobs = append(s.jobs, recordtest.JobOn(t, tx, n))
	})
}

// outcome ends a job: its effect happened and is settled, or not; or its answer is lost; or its
// process dies before or after it.
func (s *explored) outcome(n record.LaneName, how string) {
	j := s.flying(n)
	s.jobs = slices.DeleteFunc(s.jobs, func(x *record.Job) bool { return x == j })
	o := record.Outcome{}
	if n == record.ToHost && how != "fail" && j.Head.Kind == record.KindReturn {
		for _, u := range j.Record.Unanswered(j.Head.Seq) {
			for i := range s.words {
				s.words[i].returned = s.words[i].returned || s.words[i].id == u.ID
			}
		}
	}
	if n == record.ToGenesys && how != "fail" {
		o.Conversation = s.post(j)
	}
	switch how {
	case "crash":
		s.now = machine.Later(s.now, j.Lease.Until.Add(record.LeaseGrace))
		s.transact(func(*record.Transaction) {})
		return
	case "fail":
		o.Effect, o.Err = record.EffectNotPerformed, genesys.ErrUnavailable
	case "lose":
		o.Effect, o.Err, o.Conversation = record.EffectAmbiguous, genesys.ErrUnavailable, ""
	}
	s.transact(func(tx *record.Transaction) {
		tx.Release(j)
		if n == record.ToGenesys {
			tx.SettleOut(j, o)
			return
		}
		tx.SettleIn(j, o)
	})
}

// post is the reaction of Genesys to a message: it joins the live conversation, revives the last
// one, or opens another.
func (s *explored) post(j *record.Job) string {
	var c *exploredConversation
	if n := len(s.convs); n > 0 && (s.convs[n-1].over.IsZero() || s.threads) {
		if c = &s.convs[n-1]; !c.over.IsZero() {
			c.began, c.routed, c.accepted, c.agentLeft, c.over = s.now, 0, 0, 0, 0
		}
	} else {
		s.convs = append(s.convs, exploredConversation{id: fmt.Sprintf("c%d", n+1), began: s.now, words: map[string]machine.Time{}})
		c = &s.convs[n]
	}
	if j.Head.Message != nil {
		c.words[j.Head.Message.ID] = s.now
	}
	return c.id
}

// read returns the read of a conversation.
func (s *explored) read(id string, since machine.Time) *record.Reading {
	r := &record.Reading{Began: s.now}
	c := s.conversation(id)
	if c == nil {
		r.Gone, r.Err = true, genesys.ErrNotFound
		return r
	}
	state := func(end machine.Time) string {
		if end.IsZero() {
			return genesys.StateConnected
		}
		return genesys.StateDisconnected
	}
	legs := []genesys.Participant{
		{ID: "customer", Purpose: genesys.PurposeCustomer, Start: c.began.Std(), Connected: c.began.Std(), End: c.over.Std(), State: state(c.over)},
		{ID: "bots", Purpose: genesys.PurposeACD, QueueID: "bots", Start: c.began.Std(), End: c.routed.Std(), State: state(machine.Later(c.routed, c.over))},
	}
	if c.routed.IsZero() {
		legs[1].End = c.over.Std()
	} else {
		end := machine.Later(c.accepted, c.over)
		legs = append(legs, genesys.Participant{ID: "queue", Purpose: genesys.PurposeACD, QueueID: "agents", Start: c.routed.Std(), End: end.Std(), State: state(end)})
	}
	if !c.accepted.IsZero() {
		legs = append(legs, genesys.Participant{
			ID: "agent", Purpose: genesys.PurposeAgent, UserID: "a1", Name: "Anna", QueueID: "agents",
			Start: c.accepted.Std(), Connected: c.accepted.Std(), End: c.agentLeft.Std(), State: state(c.agentLeft),
		})
	}
	all := genesys.Conversation{ID: id, Participants: legs}
	r.Standing, r.History = all.Standing(since.Std()), machine.HistoryOf(&all, since)
	return r
}

// look performs the task that is due, as the Manager would.
func (s *explored) look(t *testing.T) {
	t.Helper()
	kind, _ := s.f.NextTask()
	var j *record.Job
	s.transact(func(tx *record.Transaction) { j = recordtest.JobOn(t, tx, record.Control) })
	o := record.Outcome{Task: kind}
	m := &Manager{Environment: environment.Environment{Now: func() time.Time { return s.now.Std() }}}
	switch kind {
	case record.TaskLook:
		c := *j.Record.Handover
		if o.Read = s.read(j.Record.Conversation(), c.OpeningTriedAt); o.Read.Err != nil {
			o.Err = o.Read.Err
			break
		}
		next, _ := machine.Apply(c, j.Record.EventOf(o.Read), s.now)
		switch conv := s.conversation(c.ConversationID); {
		case conv == nil:
		case m.mustTransfer(&next, o.Read):
			conv.routed, o.Transferred = s.now, true
		case next.State == machine.StateEnding && !j.Record.Sends() && next.MustDisconnect(s.now):
			conv.over, o.Tried, o.Disconnected = s.now, true, true
		}
	case record.TaskWatch:
		w := j.Record.NextWatched()
		o.Read = s.read(w.ID, w.Since)
		if j.Record.MayDisconnect(w, o.Read, s.now) {
			conv := s.conversation(w.ID)
			agent := !conv.accepted.IsZero() && conv.agentLeft.IsZero()
			require.False(t, agent && !w.Requested, "a live agent is disconnected: %v", s.path)
			conv.over, o.Tried, o.Disconnected = s.now, true, true
		}
	default:
	}
	s.transact(func(tx *record.Transaction) {
		tx.Control.Lease = record.Lease{}
		tx.SettleTask(j, o)
	})
}

// answered reports whether an agent was in a conversation after it had received a word.
func (s *explored) answered(id string) bool {
	for _, c := range s.convs {
		at, in := c.words[id]
		if in && !c.accepted.IsZero() && (c.agentLeft.IsZero() || !c.agentLeft.Before(at.Add(-machine.ClockSlack-machine.SettlePeriod))) {
			return true
		}
	}
	return false
}

// check checks the invariants of every state.
func (s *explored) check(t *testing.T) {
	t.Helper()
	count := map[string]int{}
	for i := range s.f.Words {
		count[s.f.Words[i].ID]++
	}
	for _, w := range s.words {
		require.LessOrEqual(t, count[w.id], 1, "%s is in the ledger twice: %v", w.id, s.path)
		if w.stored && count[w.id] == 0 {
			require.True(t, w.returned || w.reported || s.answered(w.id), "%s is gone without an answer: %v", w.id, s.path)
		}
	}
	if len(s.jobs) == 0 && len(s.f.Words) > 0 {
		require.False(t, s.f.WakeAt().IsZero(), "work is never due: %v", s.path)
	}
}

// settles lets everything work from now on, and holds that every word is answered for in the end.
func (s *explored) settles(t *testing.T) {
	t.Helper()
	path := s.path
	for range 400 {
		events := s.events()
		pick := ""
		for _, want := range []string{"settle", "claim", "look", "accept", "leave", "wait"} {
			for _, e := range events {
				if pick == "" && strings.HasPrefix(e, want) {
					pick = e
				}
			}
		}
		s.left["accept"], s.left["leave"] = 9, 9
		if pick == "" {
			break
		}
		*s = *s.after(t, pick)
		s.path = path
	}
	require.Empty(t, s.f.Words, "words wait forever: %v", path)
	require.Nil(t, s.f.Open(), "a session stays open: %v", path)
	s.check(t)
}
