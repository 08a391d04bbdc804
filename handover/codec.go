package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// fileFormat is the format this release writes. It reads the next one, too; a field that is added raises it.
const fileFormat = 1

var errUnreadable = errors.New("handover: a record that this release cannot read")

// encode gives the record of a file. The file must not change afterwards.
func (f *file) encode(k Key, revision uint64) (Record, error) {
	if f.Created == 0 {
		f.Created = revision
	}
	if f.Format == 0 {
		f.Format = fileFormat
	}
	data, err := json.Marshal(f) //nolint:musttag // customers and attributes inside have wire methods or tags of their own
	if err == nil && f.baggage != nil {
		data, err = f.baggage.putInto(data, f)
	}
	if err != nil {
		return Record{}, fmt.Errorf("handover: encode record: %w", err)
	}
	if len(data) > maxFile {
		return Record{}, fmt.Errorf("%w: the record would have %d bytes, the limit is %d", ErrBacklog, len(data), maxFile)
	}
	r := Record{Key: k, Revision: revision, Data: data, WakeAt: f.wakeAt()}
	if f.Now != nil {
		r.ConversationID = f.Now.ConversationID
	}
	return r, nil
}

// decode reads the file of a record. What this release cannot read or would misread is errUnreadable, without any content.
func decode(r Record) (*file, error) {
	if isReserved(r.Key) {
		return nil, fmt.Errorf("%w: it is no customer's", errUnreadable)
	}
	f := &file{}
	if err := json.Unmarshal(r.Data, f); err != nil { //nolint:musttag // as in encode
		return nil, fmt.Errorf("%w: %w", errUnreadable, redactJSON(err))
	}
	if f.Format < 1 || f.Format > fileFormat+1 {
		return nil, fmt.Errorf("%w: format %d, this release reads 1 to %d", errUnreadable, f.Format, fileFormat+1)
	}
	if err := f.understood(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if f.Format > fileFormat {
		var err error
		if f.baggage, err = pack(r.Data, f); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnreadable, redactJSON(err))
		}
	}
	return f, nil
}

// redactJSON keeps what an error of encoding/json says about the place and drops what stood there.
func redactJSON(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("field %s at byte %d", t.Field, t.Offset)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON at byte %d", s.Offset)
	}
	return errors.New("not decodable")
}

// understood finds what decodes and yet means nothing here, or what a later release may mean by it: a state, a kind of entry, a
// routing, a verdict. To guess would send it to the wrong place; what only travels through (reasons, notices) may be new.
func (f *file) understood() error {
	cores := []*core{}
	if f.Now != nil {
		cores = append(cores, f.Now)
	}
	if f.Next != nil {
		cores = append(cores, &f.Next.Core)
		if f.Next.Opening == nil {
			return errors.New("field next has no opening")
		}
	}
	for _, c := range cores {
		if !c.State.known() || c.Routing != RouteByTransfer && c.Routing != RouteByFlow {
			return errors.New("a state or a routing that is unknown")
		}
	}
	if len(f.Out.Entries) > 0 && f.Now == nil {
		return errors.New("field out has entries of no handover")
	}
	for i := range f.Out.Entries {
		if !f.Out.Entries[i].toGenesys() {
			return errors.New("field out.entries: a kind that is unknown, or without what it needs")
		}
	}
	for i := range f.In.Entries {
		if !f.In.Entries[i].toHost() {
			return errors.New("field in.entries: a kind that is unknown, or without what it needs")
		}
	}
	if !f.Heard.understood() || !f.Said.understood() {
		return errors.New("field heard or said: a verdict that is unknown")
	}
	return nil
}

func (s State) known() bool {
	switch s {
	case StateBot, StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding, StateEnded:
		return true
	}
	return false
}

func (x *entry) toGenesys() bool {
	m := x.Message
	switch x.Kind {
	case kindOpen:
		return x.Opening != nil && x.left(len(x.Opening.Texts))
	case kindMessage:
		// Its text is split only where a part is done: a record is decoded often.
		return m != nil && m.Reply == nil && (m.Text != "" || len(m.Attachments) > 0) && (x.Done == 0 || x.left(m.parts()))
	case kindReply:
		return m != nil && m.Reply != nil && x.left(1)
	case kindLeft:
		return x.left(1)
	default:
		return false
	}
}

// left reports whether some of n parts are not done.
func (x *entry) left(n int) bool { return x.Done >= 0 && x.Done < n }

func (x *entry) toHost() bool {
	switch x.Kind {
	case kindDelivery:
		return x.Delivery != nil
	case kindNotice:
		return x.Notice != nil
	case kindReturn:
		return x.Session != nil
	default:
		return false
	}
}

func (m memory) understood() bool {
	for i := markSize; i <= len(m); i += markSize {
		if verdict(m[i-1]&0xf) > missed {
			return false
		}
	}
	return len(m)%markSize == 0
}

// nextRevision never repeats across delete and create.
func nextRevision(prev uint64, now time.Time) uint64 {
	return max(prev+1, uint64(max(now.UnixMicro(), 1)))
}
