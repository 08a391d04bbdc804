package simulation

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A view is the part of a stored record that the checks read. It is decoded without the engine.
type view struct {
	Format   int           `json:"format"`
	Now      *viewHandover `json:"now"`
	Past     []viewPast    `json:"past"`
	Words    []viewWord    `json:"words"`
	Out      viewLane      `json:"out"`
	In       viewLane      `json:"in"`
	Control  viewLane      `json:"control"`
	Watched  []viewWatched `json:"watched"`
	Receipts []struct{}    `json:"receipts"`
	Forget   viewTime      `json:"forget"`
	NewTop   *mark         `json:"newTop"`
}

// A viewTime is a time of a record, which is stored in microseconds since 1970.
type viewTime struct{ time.Time }

func (t *viewTime) UnmarshalJSON(data []byte) error {
	var micros int64
	if err := json.Unmarshal(data, &micros); err != nil {
		return err
	}
	t.Time = time.UnixMicro(micros).UTC()
	return nil
}

type viewHandover struct {
	ID           string         `json:"id"`
	From         string         `json:"from"`
	State        machine.State  `json:"state"`
	Request      string         `json:"request"`
	Conversation string         `json:"conversationId"`
	Connected    viewTime       `json:"connected"`
	Changed      viewTime       `json:"changed"`
	Ending       machine.Ending `json:"ending"`
	Asked        viewTime       `json:"asked"`
	Started      viewTime       `json:"started"`
	Tried        viewTime       `json:"tried"`
	OwnEnd       viewTime       `json:"ownEnd"`
	PollAt       viewTime       `json:"pollAt"`
	Transferred  viewTime       `json:"transferred"`
	EndAsked     viewTime       `json:"endAsked"`
	MovedTo      string         `json:"movedTo"`
	Leaves       string         `json:"leaves"`
	Newest       viewTime       `json:"newestLeg"`
	Reached      bool           `json:"reached"`
	Proven       bool           `json:"proven"`
	NewPart      *mark          `json:"newPart"`
}

func (c *viewHandover) open() bool { return c != nil && c.State != "" && c.State != machine.StateEnded }

// agents reports whether it is the agents' turn.
func (c *viewHandover) agents() bool { return c.open() && c.State != machine.StateBot }

type viewPast struct {
	Session struct {
		ID    string        `json:"id"`
		State machine.State `json:"state"`
	} `json:"session"`
	NewPart *mark `json:"newPart"`
}

// A viewWord is a message of the customer that is not answered for.
type viewWord struct {
	Seq          uint64    `json:"seq"`
	ID           string    `json:"id"`
	Message      *struct{} `json:"message"`
	At           viewTime  `json:"at"`
	State        string    `json:"state"`
	Handover     string    `json:"handover"`
	Again        bool      `json:"again"`
	Conversation string    `json:"conversation"`
	Return       uint64    `json:"return"`
	NewPart      *mark     `json:"newPart"`
}

// A viewWatched is a conversation that is read although it is not that of the open session.
type viewWatched struct {
	ID       string `json:"id"`
	From     string `json:"from"`
	Close    bool   `json:"close"`
	Asked    bool   `json:"asked"`
	Agent    bool   `json:"agent"`
	Closings int    `json:"closings"`
	Repair   bool   `json:"repair"`
	Unseen   []struct {
		ID string `json:"id"`
	} `json:"unseen"` // messages that are missing
	At       viewTime `json:"at"`
	ClosedAt viewTime `json:"closedAt"`
	Newest   viewTime `json:"newestLeg"`
	EndedAt  viewTime `json:"endedAt"`
}

// ended reports whether a handover is among the past ones and over.
func (v *view) ended(id string) bool {
	return slices.ContainsFunc(v.Past, func(p viewPast) bool { return p.Session.ID == id && p.Session.State == machine.StateEnded })
}

// startsOver reports whether the record starts again after Forget: the handover before was ending,
// and its end is not kept.
func (v *view) startsOver(before *view) bool {
	return !before.Forget.IsZero() && v.Forget.IsZero() && before.Now.State == machine.StateEnding
}

type viewLane struct {
	Entries []viewEntry `json:"entries"`
	Lease   struct {
		Owner string   `json:"owner"`
		N     uint64   `json:"n"`
		Seq   uint64   `json:"seq"`
		Until viewTime `json:"until"`
	} `json:"lease"`
	NotBefore viewTime `json:"notBefore"`
	Stuck     viewTime `json:"stuck"`
}

type viewEntry struct {
	Seq       uint64        `json:"seq"`
	Kind      string        `json:"kind"`
	Handover  string        `json:"handover"`
	At        viewTime      `json:"at"`
	NotBefore viewTime      `json:"notBefore"`
	Maybe     bool          `json:"maybe"`
	Later     bool          `json:"later"`
	Delivery  *viewDelivery `json:"delivery"`
	Notice    *viewNotice   `json:"notice"`
	First     viewTime      `json:"first"`
	Attempts  int           `json:"attempts"`
}

type viewDelivery struct {
	ID         string   `json:"id"`
	Time       viewTime `json:"time"`
	OutOfOrder bool     `json:"outOfOrder"`
	Message    struct {
		Text string `json:"text"`
	} `json:"message"`
}

type viewNotice struct {
	Kind       machine.NoticeKind `json:"kind"`
	Detail     string             `json:"detail"`
	Permission string             `json:"permission"`
	Session    struct {
		ID           string `json:"id"`
		Conversation string `json:"conversationId"`
	} `json:"session"`
}

// read decodes a record. Unknown fields are ignored.
func (w *world) read(r record.Stored) *view {
	v := &view{}
	if err := json.Unmarshal(r.Data, v); err != nil {
		w.fail("what is stored is JSON", r.Key.Customer, "%v", err)
	}
	if v.Now != nil && !v.Now.Tried.IsZero() { // it is by Genesys' clock
		v.Now.Tried.Time = v.Now.Tried.Add(-w.plan.ahead)
	}
	return v
}

// head returns what is sent to Genesys next: the opening or a context, then the words of the
// session in order, then the text that the customer has left.
func (v *view) head() (viewEntry, bool) {
	for _, x := range v.Out.Entries {
		if x.Kind != "left" { // a text before it is of an earlier session
			return x, true
		}
	}
	if w := v.nextWord(); w != nil {
		return viewEntry{Seq: w.Seq, Kind: "message", Handover: w.Handover, At: w.At, Maybe: w.State == "unsure"}, true
	}
	if len(v.Out.Entries) > 0 {
		return v.Out.Entries[0], true
	}
	return viewEntry{}, false
}

// nextWord returns the word that is sent next, or nil. A sent word is sent again in another
// conversation.
func (v *view) nextWord() *viewWord {
	if !v.Now.open() {
		return nil
	}
	for i := range v.Words {
		w := &v.Words[i]
		if w.Handover != v.Now.ID || w.Return != 0 || w.Message == nil {
			continue
		}
		again := w.State == "sent" && w.Again && v.Now.Conversation != "" && w.Conversation != v.Now.Conversation
		if w.State == "" || w.State == "unsure" || again {
			return w
		}
	}
	return nil
}

// word returns the word with a seq, or nil.
func (v *view) word(seq uint64) *viewWord {
	for i := range v.Words {
		if v.Words[i].Seq == seq {
			return &v.Words[i]
		}
	}
	return nil
}

// returning returns the Return that an attempt runs for, or nil.
func (v *view) returning() *viewEntry {
	if l := v.In; len(l.Entries) > 0 && l.Entries[0].Kind == "return" && l.Lease.Owner != "" && l.Lease.Seq == l.Entries[0].Seq {
		return &l.Entries[0]
	}
	return nil
}

// waits reports whether the lane to Genesys waits: for the end of a conversation that a message of
// the session may have left, or for a Return with words that are sent first if it fails.
func (v *view) waits(head viewEntry) bool {
	if v.Now.open() && v.Now.MovedTo != "" {
		return true
	}
	r := v.returning()
	return r != nil && head.Kind == "message" && slices.ContainsFunc(v.Words, func(w viewWord) bool { return w.Return == r.Seq })
}

// gate returns until when an opening waits for another conversation to be closed, or the zero time.
func (v *view) gate() time.Time {
	closing := slices.ContainsFunc(v.Watched, func(w viewWatched) bool {
		return w.Close && w.From == v.Now.From && w.Closings == 0 && (w.Asked || !w.Agent)
	})
	if !closing || !v.Now.Tried.IsZero() {
		return time.Time{}
	}
	return v.Now.Started.Add(gateTime)
}

// gateTime is how long an opening waits at most.
const gateTime = 30 * time.Second

// unfinished returns what work is left, or an empty string.
func (v *view) unfinished() string {
	switch {
	case len(v.Out.Entries) > 0:
		return "something waits for Genesys"
	case len(v.In.Entries) > 0:
		return "something waits for the host"
	case len(v.Words) > 0:
		return "a message of the customer waits"
	case len(v.Receipts) > 0:
		return "a receipt waits"
	case v.Now.open():
		return "a session is open"
	case len(v.Watched) > 0:
		return "a conversation is watched"
	case !v.Forget.IsZero():
		return "a customer is to be forgotten"
	default:
		return ""
	}
}

// mostClosings is how often a conversation that no session needs is disconnected.
const mostClosings = 3

// followed returns the remaining work of a record, or an empty string. Watching a conversation is
// not work if the conversation continues because an agent has it, because it may not be
// disconnected, or because the customer's messages revived it after each disconnect. Looking for
// missing messages is.
func (g *cloud) followed(v *view) string {
	rest := *v
	rest.Watched = slices.DeleteFunc(slices.Clone(v.Watched), func(w viewWatched) bool {
		c := g.find(w.ID)
		return c != nil && len(w.Unseen) == 0 && c.live("customer") != nil && (c.withAgents() || g.w.plan.has(faultDenied) || w.Closings >= mostClosings)
	})
	return rest.unfinished()
}

// A mark is a field that the next release adds to a part of a record. It names that part and who
// added it, so that a check notices a mark that was lost and made again, or moved to another part.
type mark struct {
	Of string `json:"of"`
	By string `json:"by"`
}

// members are the fields of a JSON object.
type members = map[string]json.RawMessage

// Names of the marks: at the top of a record, and in each handover and each word.
const (
	markTop  = "newTop"
	markPart = "newPart"
)

// nextFormat is the format of the next release.
const nextFormat = 4

// asNextRelease returns a record as a replica of the next release stores it: with a higher format
// and marks that this release does not know. The next release knows them, so it keeps those of the
// record that it replaces, the one with the revision prev.
func (r *replica) asNextRelease(rec record.Stored, prev uint64) record.Stored {
	if !r.newer || record.IsReserved(rec.Key) {
		return rec
	}
	by := r.name + " " + uitoa(rec.Revision)
	known := r.w.store.marks(rec.Key, prev)
	data, err := editParts(rec.Data, func(of string, part members) {
		name := markPart
		if of == "" {
			name, part["format"] = markTop, json.RawMessage(asJSON(nextFormat))
		}
		switch m := known[of]; {
		case part[name] != nil:
		case m != nil:
			part[name] = json.RawMessage(asJSON(*m))
		default:
			part[name] = json.RawMessage(asJSON(mark{of, by}))
		}
	})
	if err != nil {
		r.w.fail("what is stored is JSON", rec.Key.Customer, "%v", err)
		return rec
	}
	rec.Data = data
	return rec
}

// editParts edits the handovers, the words and the top of a record, and keeps the rest.
func editParts(data []byte, edit func(of string, part members)) ([]byte, error) {
	var top members
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	if top["now"] != nil {
		if err := editPart(top, "now", func(part members) error { edit("handover "+text(part["id"]), part); return nil }); err != nil {
			return nil, err
		}
	}
	if err := editList(top, "past", func(part members) {
		var session members
		_ = json.Unmarshal(part["session"], &session) // then it has no id, and the check fails
		edit("handover "+text(session["id"]), part)
	}); err != nil {
		return nil, err
	}
	if err := editList(top, "words", func(part members) { edit("word "+string(part["seq"]), part) }); err != nil {
		return nil, err
	}
	edit("", top)
	return json.Marshal(top)
}

// text decodes a string.
func text(data json.RawMessage) string {
	var s string
	_ = json.Unmarshal(data, &s) // then it is empty
	return s
}

func editPart(in members, name string, edit func(part members) error) error {
	var part members
	if err := json.Unmarshal(in[name], &part); err != nil {
		return err
	}
	if err := edit(part); err != nil {
		return err
	}
	var err error
	in[name], err = json.Marshal(part)
	return err
}

// editList edits the parts in a list.
func editList(in members, name string, edit func(part members)) error {
	if in[name] == nil {
		return nil
	}
	var list []members
	if err := json.Unmarshal(in[name], &list); err != nil {
		return err
	}
	for _, x := range list {
		edit(x)
	}
	var err error
	in[name], err = json.Marshal(list)
	return err
}

// checkFormats checks that the fields of the next release survive a rewrite by this one, in the
// same part.
func (l *ledger) checkFormats(r *replica, before, after version) {
	if !l.w.plan.has(faultFormats) || before.view == nil {
		return
	}
	k, was, is := after.record.Key.Customer, before.view, after.view
	if was.NewTop != nil && is.Format != nextFormat {
		l.w.fail("unknown fields survive a rewrite", k, "%s dropped the format of the next release", r.name)
	}
	l.checkMark(r, k, "the top", was.NewTop, is.NewTop)
	l.checkMarks(r, k, was.marks(), is.marks())
}

// marks returns the marks of a record as it is stored, if that has the revision.
func (s *store) marks(k machine.Key, revision uint64) map[string]*mark {
	c := s.cells[k]
	if c == nil || c.view == nil || c.record.Revision != revision {
		return nil
	}
	list := c.view.marks()
	list[""] = c.view.NewTop
	return list
}

// marks returns the marks of the parts of a record, also those that have none.
func (v *view) marks() map[string]*mark {
	list := map[string]*mark{}
	if v.Now != nil {
		list["handover "+v.Now.ID] = v.Now.NewPart
	}
	for _, p := range v.Past {
		list["handover "+p.Session.ID] = p.NewPart
	}
	for _, w := range v.Words {
		list["word "+uitoa(w.Seq)] = w.NewPart
	}
	return list
}

func (l *ledger) checkMarks(r *replica, k string, was, is map[string]*mark) {
	for _, of := range slices.Sorted(maps.Keys(is)) {
		l.checkMarkOwner(r, k, of, is[of])
		l.checkMark(r, k, of, was[of], is[of])
	}
}

func (l *ledger) checkMark(r *replica, k, of string, was, is *mark) {
	if was != nil && (is == nil || *is != *was) {
		l.w.fail("unknown fields survive a rewrite", k, "%s dropped what the next release had added to %s", r.name, of)
	}
}

func (l *ledger) checkMarkOwner(r *replica, k, of string, m *mark) {
	if m != nil && m.Of != of {
		l.w.fail("unknown fields stay where they are", k, "%s moved to %s what the next release had added to %s", r.name, of, m.Of)
	}
}
