package simulation

import (
	"bytes"

	"github.com/genesyshandover/genesyshandover/handover"
)

// written is what a replica of the next release makes of a record: it raises the format and adds what this one does not know.
func (r *replica) written(record handover.Record) handover.Record {
	if !r.newer || bytes.Contains(record.Data, []byte(`"newTop":`)) {
		return record
	}
	data := bytes.Replace(record.Data, []byte(`"format":1,`), []byte(`"format":2,`), 1)
	record.Data = append([]byte(`{"newTop":{"of":"`+r.name+`"},`), data[1:]...)
	return record
}

// checkFormats: what the next release added survives a rewrite by this one.
func (l *ledger) checkFormats(r *replica, before, after version) {
	if before.file == nil || !bytes.Contains(before.record.Data, []byte(`"newTop":`)) {
		return
	}
	if !bytes.Contains(after.record.Data, []byte(`"newTop":`)) || after.file.Format != 2 {
		l.w.fail("unknown fields survive a rewrite", after.record.Key.Customer, "%s dropped a field or the format of the next release", r.name)
	}
}
