package handover

import (
	"reflect"
	"strconv"
	"strings"
)

// A place is where a value stands in a record: names of fields, and for what comes and goes its identity.
type place struct {
	path  string
	moved string       // the same, counted from the nearest thing that keeps its identity when it moves; or empty
	in    reflect.Type // the struct it is a field of
}

// of is the place of a struct: what comes and goes has its identity in it, so that nothing passes to what follows it.
func (p place) of(v reflect.Value) place {
	x := v.Interface()
	if id := identity(x); id != "" {
		p = p.under("#"+strconv.Quote(id), p.in)
	}
	switch x := x.(type) {
	case Message:
		p.moved = "message " + strconv.Quote(x.ID)
	case Unanswered:
		p.moved = "message " + strconv.Quote(x.ID)
	case core:
		p.moved = "handover " + strconv.Quote(x.ID)
	case Session:
		if p.in == reflect.TypeFor[past]() { // others are copies, not the handover
			p.moved = "handover " + strconv.Quote(x.ID)
		}
	case opening:
		p.moved = "opening " + strconv.Quote(strings.Join(x.Texts, "\n"))
	}
	return p
}

// under is the place of a part.
func (p place) under(step string, in reflect.Type) place {
	if p.moved != "" {
		p.moved += step
	}
	return place{p.path + step, p.moved, in}
}

// identity tells apart what comes and goes; empty for what is always there.
func identity(x any) string {
	switch x := x.(type) {
	case lease:
		return x.Owner + strconv.FormatUint(x.N, 10)
	case entry:
		return strconv.FormatUint(x.Seq, 10)
	case sent:
		return strconv.FormatUint(x.Seq, 10)
	case dead:
		return strconv.FormatUint(x.Seq, 10)
	case held:
		return strconv.FormatUint(x.Seq, 10)
	case requestID:
		return strconv.FormatUint(x.Hash, 10)
	case core:
		return x.ID
	case past:
		return x.Session.ID
	case plan:
		return x.Core.ID
	case Agent:
		return x.ID
	case Unanswered:
		return x.ID
	case sentID:
		return x.Platform
	case cut:
		return x.Host
	case receipt:
		return string(x.Status) + x.ID
	case adoption:
		return x.Conversation
	case orphan:
		return x.Conversation
	case doubt:
		return string(x.Phase)
	default:
		return ""
	}
}
