package record

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

var updateGolden = flag.Bool("update", false, "write the golden records of the present format") //nolint:gochecknoglobals // a flag of the test binary

const formatChanged = `The stored format has changed: this release would misread the records of older ones, or they would misread its records.
Undo the change, unless it is intended. A new field, another name or another meaning takes two releases:
  1. one that reads format N+1 and still writes N (CurrentFormat stays N; Decode accepts N+1 already),
  2. once it runs everywhere, one that writes it: raise CurrentFormat, keep the golden records of format N, and write
     those of N+1 with: go test ./handover/internal/record -run TestGolden -update
Only before the first tag of a format may -update overwrite its records.`

// firstFormat is the first format that a release wrote.
const firstFormat = 3

func goldenDir(format int) string {
	return filepath.Join("testdata", "records", "format"+strconv.Itoa(format))
}

// TestGoldenFormatIsPinned compares the field names that this release writes with those of the
// golden records of its format.
func TestGoldenFormatIsPinned(t *testing.T) {
	t.Parallel()
	records := goldenRecords()
	for _, name := range slices.Sorted(maps.Keys(records)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := records[name].Encode(recordKey(), 7)
			require.NoError(t, err)
			at := filepath.Join(goldenDir(CurrentFormat), name+".json")
			if *updateGolden {
				var text bytes.Buffer
				require.NoError(t, json.Indent(&text, r.Data, "", "  "))
				require.NoError(t, os.MkdirAll(goldenDir(CurrentFormat), 0o755))        //nolint:gosec // to be committed
				require.NoError(t, os.WriteFile(at, append(text.Bytes(), '\n'), 0o644)) //nolint:gosec // to be committed
			}
			golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
			require.NoError(t, err, formatChanged)
			require.JSONEq(t, string(golden), string(r.Data), formatChanged)
		})
	}
}

// TestGoldenFieldsArePinned checks that an added field raises the format, even if no golden record
// has it.
func TestGoldenFieldsArePinned(t *testing.T) {
	t.Parallel()
	at := filepath.Join(goldenDir(CurrentFormat), "fields.txt")
	fields := strings.Join(fieldsOf(reflect.TypeFor[Record](), "record"), "\n") + "\n"
	if *updateGolden {
		require.NoError(t, os.WriteFile(at, []byte(fields), 0o644)) //nolint:gosec // to be committed
	}
	golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
	require.NoError(t, err, formatChanged)
	require.Equal(t, string(golden), fields, formatChanged)
}

// fieldsOf lists the fields of a record with their types, sorted.
func fieldsOf(t reflect.Type, at string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		if t.Kind() == reflect.Slice {
			at += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || marshals(t) {
		return []string{at + " " + t.String()}
	}
	var list []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || name == "-" || name == "" && f.Anonymous:
		case name == "":
			list = append(list, fieldsOf(f.Type, at+"."+f.Name)...)
		default:
			list = append(list, fieldsOf(f.Type, at+"."+name)...)
		}
	}
	slices.Sort(list)
	return list
}

// marshals reports whether a type writes its JSON itself.
func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
}

// TestGoldenRecords checks that every record of every released format is read and written again
// with the same meaning.
func TestGoldenRecords(t *testing.T) {
	t.Parallel()
	if *updateGolden {
		t.Skip("golden records are being written: run again without -update")
	}
	for format := firstFormat; format <= CurrentFormat; format++ {
		names, err := filepath.Glob(filepath.Join(goldenDir(format), "*.json"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(names), len(goldenFacts()), "golden records of format %d are missing", format)
		for _, at := range names {
			t.Run(at, func(t *testing.T) {
				t.Parallel()
				f := readGolden(t, at)
				require.Equal(t, format, f.Format, "a record keeps its format")
				again, err := f.Encode(recordKey(), 8)
				require.NoError(t, err)
				golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
				require.NoError(t, err)
				require.JSONEq(t, string(golden), string(again.Data), formatChanged)
				if check := goldenFacts()[strings.TrimSuffix(filepath.Base(at), ".json")]; check != nil {
					check(t, f)
				}
			})
		}
	}
}

func readGolden(t *testing.T, at string) *Record {
	t.Helper()
	data, err := os.ReadFile(at) //nolint:gosec // a name of our own
	require.NoError(t, err)
	f, err := Decode(Stored{Key: recordKey(), Data: data})
	require.NoError(t, err, formatChanged)
	return f
}

// goldenFacts returns the values that a release must find in the golden records. They do not depend
// on its structs.
func goldenFacts() map[string]func(*testing.T, *Record) {
	return map[string]func(*testing.T, *Record){
		"stranger": func(t *testing.T, f *Record) {
			t.Helper()
			require.Nil(t, f.Handover)
			require.Equal(t, []Watched{{
				ID: "strange", From: "customer", At: noon().Add(time.Second), Since: ago(time.Second), WroteAt: ago(time.Second),
				Until: noon().Add(73 * time.Hour),
			}}, f.Watched)
			d := f.In.Entries[0].Delivery
			require.Equal(t, "Are you there?", d.Message.Text)
			require.Equal(t, openmessaging.OriginHuman, d.Origin)
			require.True(t, d.Late)
			require.Equal(t, uint64(1_700_000_000_000_000), f.Created)
			require.Equal(t, noon(), f.WakeAt())
		},
		"bot": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, machine.StateBot, f.Open().State)
			require.Equal(t, machine.TurnBot, f.Turn(noon()))
			require.Equal(t, 73*time.Hour, f.Keep)
		},
		"requested": func(t *testing.T, f *Record) {
			t.Helper()
			x := f.Out.Entries[0]
			require.Equal(t, KindOpen, x.Kind)
			require.Equal(t, []string{"summary", "customer: hello"}, x.Opening.Texts)
			require.Equal(t, "gold", x.Opening.Attributes["context.tier"])
			require.Equal(t, "Ångström", x.Opening.Customer.LastName)
			require.Equal(t, []string{"one"}, queued(f))
			require.Equal(t, Lease{Owner: "replica", N: 1, Seq: x.Seq, Until: noon().Add(15 * time.Second)}, f.Out.Lease)
			require.True(t, f.Out.busy(noon()))
			require.Equal(t, f.Handover.ID, f.Began("request"))
			require.Equal(t, forwardedID, f.ForwardedIDs.Recall("m1"))
			require.Equal(t, noon().Add(17*time.Second), f.Out.Lease.over(noon()))
			require.Equal(t, machine.NoticeRequested, f.In.Entries[0].Notice.Kind)
		},
		"queued": func(t *testing.T, f *Record) {
			t.Helper()
			list := f.EntriesOut()
			require.Equal(t, "a.pdf", list[0].Message.Attachments[0].Filename)
			require.Equal(t, 1, list[0].Done)
			require.True(t, list[0].Unsure)
			require.Equal(t, openmessaging.ReplyButton, list[1].Message.Reply.Kind)
			require.Equal(t, "yes", list[1].Message.Reply.Payload)
			require.Equal(t, noon().Add(time.Second), f.Out.NotBefore)
			require.Equal(t, machine.Timers{NoAgent: 1, CustomerWarn: 2, CustomerIdle: 3, AgentIdle: -1, Max: machine.DefaultMax, Retention: machine.DefaultRetention}, f.Handover.Timers)
			require.True(t, f.Handover.Poll)
		},
		"alerting": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, machinetest.Anna(), f.Open().Agent)
		},
		"connected": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, []string{"one"}, inState(f, wordSent))
			require.Equal(t, []string{"two"}, queued(f))
			require.Equal(t, "m1", f.HostIDOf("p1"))
			require.Equal(t, openmessaging.QuickReply{Text: "A", Payload: "a"}, f.In.Entries[0].Delivery.Message.Content[0])
			require.Equal(t, machine.NoticeTransferred, f.In.Entries[1].Notice.Kind)
			require.Equal(t, "w0", f.NextReceipt().ID)
			for n, owner := range map[LaneName]string{ToHost: "replica a", ToGenesys: "replica b", Control: "replica b"} {
				require.Equal(t, owner, f.Lane(n).Lease.Owner)
			}
			require.Equal(t, uint64(3), f.Leases)
		},
		"ending": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, machine.EndByCustomer, f.Open().Ending.Reason)
			require.Equal(t, "left", f.Out.Entries[0].Text)
			require.Empty(t, queued(f), "it is not for these agents")
			require.Equal(t, []string{"three"}, inState(f, WordWaiting))
			require.Equal(t, machine.TurnAgent, f.Turn(noon()))
		},
		"ended": func(t *testing.T, f *Record) {
			t.Helper()
			x := firstReturn(t, f)
			list := f.Unanswered(x.Seq)
			require.Equal(t, []string{"one", "two"}, textsOf(list))
			require.Equal(t, "refused", list[0].Reason)
			require.True(t, list[1].Sent)
			require.Equal(t, machine.EndByCustomer, x.Session.Ending.Reason)
			require.Equal(t, []string{"three"}, texts(f, f.In.Entries[1]))
			require.True(t, f.In.Entries[1].Later)
			require.Equal(t, "unneeded", f.Watched[0].ID)
			require.True(t, f.Watched[0].Close)
			require.True(t, f.Watched[0].Requested)
			require.Equal(t, "customer~abcdefghijk2", f.Past[0].From)
			require.Equal(t, machine.TurnBot, f.Turn(noon()))
		},
		"forgotten": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, noon(), f.Forget)
		},
		"memories": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, ReceivedID, f.ReceivedIDs.Recall("w2"))
			require.Equal(t, forwardedID, f.ForwardedIDs.Recall("m0"))
			require.Equal(t, UnknownID, f.ForwardedIDs.Recall("w2"))
			require.Equal(t, f.Handover.ID, f.Began("request"))
			require.Equal(t, f.Handover.Ending.Time.Add(73*time.Hour), f.Expires())
		},
		"unicode": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, extremeText, f.Words[0].Message.Text)
			require.Equal(t, "id \U0001f642\u2028", f.Words[0].ID)
			require.Equal(t, extremeText, f.Handover.Agent.Name)
		},
		"full": func(t *testing.T, f *Record) {
			t.Helper()
			require.Equal(t, fullRecord(), withoutCreated(f))
		},
	}
}

// withoutCreated clears the field that Encode sets.
func withoutCreated(f *Record) *Record {
	f.Created = fullRecord().Created
	return f
}

// TestGoldenRecordsOfTheNextRelease checks that this release reads them, and rewrites them with all
// unknown fields.
func TestGoldenRecordsOfTheNextRelease(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(goldenDir(CurrentFormat+1), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names, "write some by hand, with fields that this release does not know")
	for _, at := range names {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			f := readGolden(t, at)
			again, err := f.Encode(recordKey(), 8)
			require.NoError(t, err)
			golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
			require.NoError(t, err)
			require.Equal(t, parsed(golden), parsed(again.Data), "numbers included")
		})
	}
}

// TestGoldenRecordsOfALaterRelease checks that such a record is refused with an error that contains
// nothing of it.
func TestGoldenRecordsOfALaterRelease(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(goldenDir(CurrentFormat+2), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, at := range names {
		data, err := os.ReadFile(at) //nolint:gosec // a name of our own
		require.NoError(t, err)
		_, err = Decode(Stored{Key: recordKey(), Data: data})
		require.ErrorIs(t, err, ErrUnreadable)
		require.NotContains(t, err.Error(), "c2VjcmV0")
	}
}

// parsed reads JSON and keeps its numbers as they are written.
func parsed(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		panic(err)
	}
	return tree
}
