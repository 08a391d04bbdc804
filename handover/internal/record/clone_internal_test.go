package record

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/stretchr/testify/require"
)

// TestCloneSharesNothing fills every field of a record, so that a new field without a clone fails.
func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	f := filledRecord(t)
	c := f.Clone()
	require.Equal(t, f, c)
	require.Empty(t, shared(f, c))
	require.NotEmpty(t, shared(f, f), "the check finds what is shared")
	require.Equal(t, &Record{}, (&Record{}).Clone())
}

// TestContentsOfCloneShareNothing checks each kind of content.
func TestContentsOfCloneShareNothing(t *testing.T) {
	t.Parallel()
	for _, item := range allContents() {
		list := openmessaging.Contents{item}
		c := cloneContents(list)
		require.Equal(t, list, c)
		require.Empty(t, shared(list, c), "%T", item)
	}
}

// TestUnknownFieldsGoWithTheirPlace: a conversation that is watched again has nothing of what it
// had before.
func TestUnknownFieldsGoWithTheirPlace(t *testing.T) {
	t.Parallel()
	f := &Record{
		Format: CurrentFormat + 1, Created: 1, Watched: []Watched{{ID: "c1"}},
		unknown: unknownFields{"watched c1": {"new": json.RawMessage(`1`)}, "record": {"top": json.RawMessage(`2`)}},
	}
	watched := f.Watched
	f.Watched = nil
	_, err := f.Encode(recordKey(), 1)
	require.NoError(t, err)
	f.Watched = watched
	r, err := f.Encode(recordKey(), 2)
	require.NoError(t, err)
	require.NotContains(t, string(r.Data), `"new"`)
	require.Contains(t, string(r.Data), `"top":2`)
}

// filledRecord returns a record without a zero field.
func filledRecord(tb testing.TB) *Record {
	tb.Helper()
	f := &Record{}
	fill(reflect.ValueOf(f).Elem(), 1)
	f.unknown = unknownFields{"record": {"new": json.RawMessage(`{"a":1}`)}}
	for i := range f.Out.Entries {
		f.Out.Entries[i].Opening.lines = []string{"line"}
	}
	for i := range f.In.Entries {
		f.In.Entries[i].Opening.lines = []string{"line"}
	}
	for i := range f.Control.Entries {
		f.Control.Entries[i].Opening.lines = []string{"line"}
	}
	requireFilled(tb, "Record", reflect.ValueOf(f).Elem())
	return f
}

// fill sets all exported fields.
func fill(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon().Std().Add(time.Duration(n) * time.Second)))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), n+i+1)
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[openmessaging.Contents]() {
			v.Set(reflect.ValueOf(openmessaging.Contents(allContents())))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n+i+1)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprint("s", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(n) % 256) //nolint:gosec // positive
	default:
		panic(v.Type().String())
	}
}

func requireFilled(tb testing.TB, path string, v reflect.Value) {
	tb.Helper()
	require.False(tb, v.IsZero(), path)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range v.NumField() {
		requireFilled(tb, path+"."+v.Type().Field(i).Name, v.Field(i))
	}
}

func allContents() []openmessaging.Content {
	card := openmessaging.Card{Title: "t", Default: &openmessaging.Action{Text: "d"}, Actions: []openmessaging.Action{{Text: "a"}}}
	return []openmessaging.Content{
		openmessaging.Text{Body: "b"},
		openmessaging.Attachment{URL: "u"},
		openmessaging.QuickReply{Text: "q"},
		openmessaging.QuickReplies{Actions: []openmessaging.QuickReply{{Text: "q"}}},
		card,
		openmessaging.Carousel{Cards: []openmessaging.Card{card}},
		openmessaging.DatePicker{Title: "d", Times: []openmessaging.TimeSlot{{Start: noon().Std()}}},
		openmessaging.ListPicker{Sections: []openmessaging.ListSection{{Items: []openmessaging.ListItem{{ID: "i"}}}}},
		openmessaging.Template{ID: "t"},
		openmessaging.Location{URL: "l"},
		openmessaging.UnknownContent{Kind: "k", Raw: json.RawMessage(`{"a":1}`)},
	}
}

// shared returns the paths of memory that two values share.
func shared(a, b any) []string {
	of, both := map[uintptr]bool{}, []string{}
	references("", reflect.ValueOf(a), func(_ string, p uintptr) { of[p] = true })
	references("", reflect.ValueOf(b), func(path string, p uintptr) {
		if of[p] {
			both = append(both, path)
		}
	})
	return both
}

// references calls fn for all that a value refers to and that can be changed. The location of a
// time is shared and cannot.
func references(path string, v reflect.Value, fn func(path string, p uintptr)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() || v.Kind() == reflect.Slice && v.Cap() == 0 {
			return
		}
		fn(path, v.Pointer())
	case reflect.Interface:
		references(path, v.Elem(), fn)
	default:
	}
	switch v.Kind() {
	case reflect.Pointer:
		references(path, v.Elem(), fn)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			references(path+"."+v.Type().Field(i).Name, v.Field(i), fn)
		}
	case reflect.Slice:
		for i := range v.Len() {
			references(fmt.Sprintf("%s[%d]", path, i), v.Index(i), fn)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			references(fmt.Sprintf("%s[%v]", path, k), v.MapIndex(k), fn)
		}
	default:
	}
}
