package handover

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

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

var updateGolden = flag.Bool("update", false, "write the golden records of the present format") //nolint:gochecknoglobals // a flag of the test binary

const formatChanged = `The stored format has changed: records that older releases wrote would be misread, or theirs by them.
If that is not meant, undo it. If it is (a new field, another name, another meaning), it takes two releases:
  1. one that reads format N+1 and still writes N (fileFormat stays N; decode accepts N+1 already),
  2. once it runs everywhere, one that writes it: raise fileFormat, keep the golden records of format N as they are, and write
     those of N+1 beside them with: go test ./handover -run TestGolden -update
Only before the first tag of a format may -update overwrite its records.`

func goldenDir(format int) string {
	return filepath.Join("testdata", "records", "format"+strconv.Itoa(format))
}

// TestGoldenFormatIsPinned: what this release writes is what the golden records of its format hold, name by name.
func TestGoldenFormatIsPinned(t *testing.T) {
	t.Parallel()
	files := goldenFiles()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := files[name].encode(recordKey(), 7)
			require.NoError(t, err)
			at := filepath.Join(goldenDir(fileFormat), name+".json")
			if *updateGolden {
				var text bytes.Buffer
				require.NoError(t, json.Indent(&text, r.Data, "", "  "))
				require.NoError(t, os.MkdirAll(goldenDir(fileFormat), 0o755))           //nolint:gosec // to be committed
				require.NoError(t, os.WriteFile(at, append(text.Bytes(), '\n'), 0o644)) //nolint:gosec // to be committed
			}
			golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
			require.NoError(t, err, formatChanged)
			require.JSONEq(t, string(golden), string(r.Data), formatChanged)
		})
	}
}

// TestGoldenFieldsArePinned: a field that is added is a new format, too, also where no golden record has it.
func TestGoldenFieldsArePinned(t *testing.T) {
	t.Parallel()
	at := filepath.Join(goldenDir(fileFormat), "fields.txt")
	fields := strings.Join(fieldsOf(reflect.TypeFor[file](), "record"), "\n") + "\n"
	if *updateGolden {
		require.NoError(t, os.WriteFile(at, []byte(fields), 0o644)) //nolint:gosec // to be committed
	}
	golden, err := os.ReadFile(at) //nolint:gosec // a name of our own
	require.NoError(t, err, formatChanged)
	require.Equal(t, string(golden), fields, formatChanged)
}

// fieldsOf lists the names in a record and what they hold, sorted.
func fieldsOf(t reflect.Type, at string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		if t.Kind() == reflect.Slice {
			at += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || speaksJSON(t) {
		return []string{at + " " + t.String()}
	}
	var list []string
	for name, index := range (carrier{layouts: map[reflect.Type]layout{}}).layout(t) {
		list = append(list, fieldsOf(t.FieldByIndex(index).Type, at+"."+name)...)
	}
	slices.Sort(list)
	return list
}

// TestGoldenRecords: every record of every format up to ours is read and written again with the same meaning.
func TestGoldenRecords(t *testing.T) {
	t.Parallel()
	if *updateGolden {
		t.Skip("golden records are being written: run again without -update")
	}
	for format := 1; format <= fileFormat; format++ {
		names, err := filepath.Glob(filepath.Join(goldenDir(format), "*.json"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(names), len(goldenFacts()), "golden records of format %d are missing", format)
		for _, at := range names {
			t.Run(at, func(t *testing.T) {
				t.Parallel()
				f := readGolden(t, at)
				require.Equal(t, format, f.Format, "a record keeps its format")
				again, err := f.encode(recordKey(), 8)
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

func readGolden(t *testing.T, at string) *file {
	t.Helper()
	data, err := os.ReadFile(at) //nolint:gosec // a name of our own
	require.NoError(t, err)
	f, err := decode(Record{Key: recordKey(), Data: data})
	require.NoError(t, err, formatChanged)
	return f
}

// goldenFacts are what a release must find in the golden records, whatever its own structs look like.
func goldenFacts() map[string]func(*testing.T, *file) {
	return map[string]func(*testing.T, *file){
		"stranger": func(t *testing.T, f *file) {
			t.Helper()
			require.Nil(t, f.Now)
			require.Equal(t, adoption{Conversation: "strange", From: "customer", At: noon().Add(time.Second), Since: ago(time.Second)}, *f.Adopt)
			d := f.In.Entries[0].Delivery
			require.Equal(t, "Are you there?", d.Message.Text)
			require.Equal(t, openmessaging.OriginHuman, d.Origin)
			require.True(t, d.Late)
			require.Equal(t, uint64(1_700_000_000_000_000), f.Created)
			require.Equal(t, noon(), f.wakeAt())
		},
		"bot": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, StateBot, f.open().State)
			require.Equal(t, TurnBot, f.turn(noon()))
			require.Equal(t, 73*time.Hour, f.Keep)
		},
		"requested": func(t *testing.T, f *file) {
			t.Helper()
			x := f.Out.Entries[0]
			require.Equal(t, kindOpen, x.Kind)
			require.Equal(t, []string{"summary", "customer: hello"}, x.Opening.Texts)
			require.Equal(t, "gold", x.Opening.Attributes["context.tier"])
			require.Equal(t, "Ångström", x.Opening.Customer.LastName)
			require.Equal(t, []string{"one"}, queued(f))
			require.Equal(t, lease{Owner: "replica", N: 1, Seq: x.Seq, Until: noon().Add(15 * time.Second)}, f.Out.Lease)
			require.True(t, f.Out.busy(noon()))
			require.Equal(t, f.Now.ID, f.began("request"))
			require.Equal(t, toAgent, f.Said.recall("m1"))
			require.Equal(t, noon().Add(17*time.Second), f.Out.Lease.over(noon()))
			require.Equal(t, NoticeRequested, f.In.Entries[0].Notice.Kind)
		},
		"queued": func(t *testing.T, f *file) {
			t.Helper()
			x := f.Out.Entries[0]
			require.Equal(t, "a.pdf", x.Message.Attachments[0].Filename)
			require.Equal(t, 1, x.Done)
			require.True(t, x.Maybe)
			require.Equal(t, openmessaging.ReplyButton, f.Out.Entries[1].Message.Reply.Kind)
			require.Equal(t, "yes", f.Out.Entries[1].Message.Reply.Payload)
			require.Equal(t, noon().Add(time.Second), f.Out.NotBefore)
			require.Equal(t, Timers{NoAgent: 1, CustomerWarn: 2, CustomerIdle: 3, AgentIdle: -1, Max: DefaultMax, Retention: DefaultRetention}, f.Now.Timers)
			require.True(t, f.Now.Poll)
		},
		"alerting": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, anna(), f.open().Agent)
		},
		"connected": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, "one", f.Tail[0].Message.Text)
			require.Equal(t, "m1", f.hostID("p1"))
			require.Equal(t, openmessaging.QuickReply{Text: "A", Payload: "a"}, f.In.Entries[0].Delivery.Message.Content[0])
			require.Equal(t, NoticeTransferred, f.In.Entries[1].Notice.Kind)
			require.Equal(t, "w0", f.nextReceipt().ID)
			for n, owner := range map[laneName]string{toHost: "replica a", toGenesys: "replica b", control: "replica b"} {
				require.Equal(t, owner, f.lane(n).Lease.Owner)
			}
			require.Equal(t, uint64(3), f.Leases)
		},
		"ending": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, EndByCustomer, f.open().Ending.Reason)
			require.Equal(t, "left", f.Out.Entries[0].Text)
			require.Equal(t, "bcdefghijkl3", f.Next.Core.ID)
			require.Equal(t, []string{"again"}, f.Next.Opening.Texts)
			require.Equal(t, "three", f.Held[0].Unanswered.Text)
		},
		"ended": func(t *testing.T, f *file) {
			t.Helper()
			x := firstReturn(t, f)
			require.Equal(t, []string{"one", "two"}, texts(x.Back))
			require.Equal(t, "refused", x.Back[0].Reason)
			require.True(t, x.Back[1].Sent)
			require.Equal(t, EndByCustomer, x.Session.Ending.Reason)
			require.Equal(t, "orphan", f.Orphans[0].Conversation)
			require.Equal(t, "customer~abcdefghijk2", f.Past[0].From)
			require.Equal(t, TurnAgent, f.turn(noon()))
		},
		"forgotten": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, noon(), f.Forget)
		},
		"memories": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, heard, f.Heard.recall("w2"))
			require.Equal(t, toAgent, f.Said.recall("m0"))
			require.Equal(t, unheard, f.Said.recall("w2"))
			require.Equal(t, f.Now.ID, f.began("request"))
			require.Equal(t, f.Now.Ending.Time.Add(73*time.Hour), f.expires())
		},
		"unicode": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, extremeText, f.Out.Entries[0].Message.Text)
			require.Equal(t, "id \U0001f642\u2028", f.Out.Entries[0].HostID)
			require.Equal(t, extremeText, f.Now.Agent.Name)
		},
		"full": func(t *testing.T, f *file) {
			t.Helper()
			require.Equal(t, fullFile(), withoutCreated(f))
		},
	}
}

// withoutCreated drops what encode fills in.
func withoutCreated(f *file) *file {
	f.Created = fullFile().Created
	return f
}
