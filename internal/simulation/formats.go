package simulation

import (
	"bytes"
	"encoding/json"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A mark is what the next release adds to a part of a record. It says what part it was made for and by whom, so that one that
// is lost and made again, or that goes over to another part, is noticed.
type mark struct {
	Of string `json:"of"`
	By string `json:"by"`
}

type members = map[string]json.RawMessage

// The next release adds a mark at the top, in the current handover, and in each entry of a lane.
const (
	markTop  = "newTop"
	markPart = "newPart"
)

// written is what a replica of the next release makes of a record: it raises the format and adds what this one does not know.
func (r *replica) written(record handover.Record) handover.Record {
	if !r.newer || isReserved(record.Key) {
		return record
	}
	by := r.name + " " + uitoa(record.Revision)
	data, err := editParts(record.Data, func(of string, part members) {
		name := markPart
		if of == "" {
			name, part["format"] = markTop, json.RawMessage("2")
		}
		if part[name] == nil {
			part[name] = json.RawMessage(asJSON(mark{of, by}))
		}
	})
	if err != nil {
		r.w.fail("what is stored is JSON", record.Key.Customer, "%v", err)
		return record
	}
	record.Data = data
	return record
}

// editParts edits the current handover, the entries and the top of a record, and keeps the rest as it is.
func editParts(data []byte, edit func(of string, part members)) ([]byte, error) {
	var top members
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	var now struct {
		ID string `json:"id"`
	}
	if top["now"] != nil {
		if err := json.Unmarshal(top["now"], &now); err != nil {
			return nil, err
		}
		if err := editPart(top, "now", func(part members) error { edit("handover "+now.ID, part); return nil }); err != nil {
			return nil, err
		}
	}
	for _, lane := range []string{"out", "in"} {
		if !bytes.Contains(top[lane], []byte(`"entries":`)) {
			continue
		}
		if err := editPart(top, lane, func(part members) error { return editEntries(lane, part, edit) }); err != nil {
			return nil, err
		}
	}
	edit("", top)
	return json.Marshal(top)
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

func editEntries(lane string, part members, edit func(of string, part members)) error {
	var entries []members
	if err := json.Unmarshal(part["entries"], &entries); err != nil {
		return err
	}
	for _, x := range entries {
		edit(lane+" "+string(x["seq"]), x)
	}
	var err error
	part["entries"], err = json.Marshal(entries)
	return err
}

// checkFormats: what the next release added survives a rewrite by this one, with what it is part of and nowhere else.
func (l *ledger) checkFormats(r *replica, before, after version) {
	if !l.w.plan.has(faultFormats) || before.file == nil {
		return
	}
	k, was, is := after.record.Key.Customer, before.file, after.file
	if was.NewTop != nil && is.Format != 2 {
		l.w.fail("unknown fields survive a rewrite", k, "%s dropped the format of the next release", r.name)
	}
	l.checkMark(r, k, "the top", was.NewTop, is.NewTop)
	if is.Now != nil {
		l.ownMark(r, k, "handover "+is.Now.ID, is.Now.NewPart)
		if was.Now != nil && was.Now.ID == is.Now.ID {
			l.checkMark(r, k, "handover "+is.Now.ID, was.Now.NewPart, is.Now.NewPart)
		}
	}
	l.checkMarks(r, k, "out", was.Out, is.Out)
	l.checkMarks(r, k, "in", was.In, is.In)
}

func (l *ledger) checkMarks(r *replica, k, lane string, was, is viewLane) {
	had := make(map[uint64]*mark, len(was.Entries))
	for _, x := range was.Entries {
		had[x.Seq] = x.NewPart
	}
	for _, x := range is.Entries {
		of := lane + " " + uitoa(x.Seq)
		l.ownMark(r, k, of, x.NewPart)
		l.checkMark(r, k, of, had[x.Seq], x.NewPart)
	}
}

func (l *ledger) checkMark(r *replica, k, of string, was, is *mark) {
	if was != nil && (is == nil || *is != *was) {
		l.w.fail("unknown fields survive a rewrite", k, "%s dropped what the next release had added to %s", r.name, of)
	}
}

func (l *ledger) ownMark(r *replica, k, of string, m *mark) {
	if m != nil && m.Of != of {
		l.w.fail("unknown fields stay where they are", k, "%s gave %s what the next release had added to %s", r.name, of, m.Of)
	}
}
