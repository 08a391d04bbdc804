package storetest

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Keys that a database or a separator may treat as the same, or as syntax.
func keysByteByByte(s *suite) {
	keys := []handover.Key{
		{Channel: "shop", Customer: "Zoë"},
		{Channel: "shop", Customer: "Zoe\u0308"}, // looks the same
		{Channel: "shop", Customer: "zoë"},
		{Channel: "shop", Customer: "ZOË"},
		{Channel: "shop", Customer: "Zoë "},
		{Channel: "shop", Customer: " Zoë"},
		{Channel: "shop ", Customer: "Zoë"},
		{Channel: "Shop", Customer: "Zoë"},
		{Channel: "", Customer: "shopZoë"},
		{Channel: "shopZ", Customer: "oë"},
		{Channel: "a", Customer: "b/c"},
		{Channel: "a/b", Customer: "c"},
		{Channel: "a", Customer: "b:c"},
		{Channel: "a:b", Customer: "c"},
		{Channel: "shop", Customer: "1"},
		{Channel: "shop", Customer: "01"},
		{Channel: "shop", Customer: "1.0"},
		{Channel: "shop", Customer: "1e0"},
		{Channel: "shop", Customer: "%"},
		{Channel: "shop", Customer: "_"},
		{Channel: "shop", Customer: "*"},
		{Channel: "shop", Customer: "?"},
		{Channel: "shop", Customer: "[a]"},
		{Channel: "shop", Customer: "{a}"},
		{Channel: "shop", Customer: `\`},
		{Channel: "shop", Customer: `\\`},
		{Channel: "shop", Customer: `'`},
		{Channel: "shop", Customer: `''`},
		{Channel: "shop", Customer: `"; DROP TABLE records; --`},
		{Channel: "shop", Customer: "$1"},
		{Channel: "shop", Customer: "null"},
		{Channel: "shop", Customer: "ß"},
		{Channel: "shop", Customer: "ss"},
		{Channel: "shop", Customer: "ı"},
		{Channel: "shop", Customer: "i"},
		{Channel: "shop", Customer: "+49 170 1234567"},
		{Channel: "shop", Customer: "日本語 🙂\u200d\u00a0"},
		{Channel: "shop", Customer: "\U0010ffff\ufffd"},
		{Channel: strings.Repeat("c", handover.MaxChannelID), Customer: strings.Repeat("x", handover.MaxCustomerID)},
		{Channel: strings.Repeat("c", handover.MaxChannelID), Customer: strings.Repeat("x", handover.MaxCustomerID-1) + "y"},
		{Channel: strings.Repeat("🙂", handover.MaxChannelID/4), Customer: strings.Repeat("🙂", handover.MaxCustomerID/4)},
	}
	const why = "keys are compared byte by byte, and any of their characters is only a character"
	stored := func(i int) handover.Record {
		return handover.Record{Key: keys[i], Revision: uint64(i) + 1, Data: []byte{byte(i)}} //nolint:gosec // small
	}
	for i := range keys {
		s.put(stored(i), 0)
	}
	for i := range keys {
		s.holds(stored(i), why)
	}
	if got := len(s.all("")); got != len(keys) {
		s.Errorf("All returned %d records, want %d: %s", got, len(keys), why)
	}
	for i, k := range keys {
		s.remove(k, uint64(i)+1)
		s.absent(k, why)
		for j := i + 1; j < len(keys); j++ {
			if j == i+1 || i == 0 {
				s.holds(stored(j), why)
			}
		}
	}
}

// The Manager also stores leases, under keys that no customer can have.
func reservedKey(s *suite) {
	r := handover.Record{Key: handover.Key{Customer: "\x01socket/0123456789abcdef"}, Revision: 1, Data: []byte("lease")}
	s.put(r, 0)
	s.holds(r, `the prefix "\x01" is an ordinary part of a key`)
	r.Revision, r.WakeAt = 2, noon()
	s.put(r, 1)
	for name, list := range map[string][]handover.Record{"Due": s.due(noon()), "All": s.all("")} {
		if len(list) != 1 {
			s.Errorf("%s returned %d records, want the one with a reserved key: a store makes no difference between keys", name, len(list))
			continue
		}
		s.same(list[0], r, name+" returns whole records")
	}
	s.remove(r.Key, 2)
	s.absent(r.Key, "it was removed")
}

func dataOfAnyBytes(s *suite) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, data := range [][]byte{
		nil,
		{},
		{0},
		{0, 0, 0},
		{0xff},
		every, []byte(`{"a":"\u0000","b":1}`), []byte(`{"b": 2, "a": 1.0, "a": 1}`), []byte("\xed\xa0\x80"),
		[]byte(`\x00`), []byte("'\"\\%_$1?"), []byte("ends in spaces  "), []byte("line\r\nline\n"), bytes.Repeat([]byte{0xc3}, 5000),
	} {
		r := record("c", uint64(i)+1)
		r.Data = data
		s.put(r, uint64(i))
		got := s.get(r.Key)
		if len(data) == 0 {
			if len(got.Data) != 0 {
				s.Errorf("empty Data was returned as %q; want it empty, nil or not", got.Data)
			}
			continue
		}
		s.same(got, r, "Data may contain any byte and is returned unchanged: it is neither text nor JSON to the store")
	}
}

// The Manager writes records of 1.5 MiB at most.
func largeData(s *suite) {
	const size = 1.5 * 1024 * 1024
	data := make([]byte, size)
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same bytes each time
	for i := range data {
		data[i] = byte(random.IntN(256)) //nolint:gosec // it fits
	}
	r := handover.Record{Key: key("c"), Revision: 1, ConversationID: "conversation-1", WakeAt: noon(), Data: data}
	s.put(r, 0)
	s.holds(r, "records of 1.5 MiB are stored")
	r.Revision, r.Data = 2, bytes.Clone(data)
	r.Data[size-1]++
	s.put(r, 1)
	s.holds(r, "records of 1.5 MiB are replaced, to the last byte")
	s.unchanged(r.Data, "records of 1.5 MiB are returned whole")
	r.Revision, r.Data = 3, []byte("small again")
	s.put(r, 2)
	s.holds(r, "a small record replaces a large one")
}

func copiesWhatItTakes(s *suite) {
	r := record("c", 10)
	r.ConversationID, r.WakeAt = "conversation-1", noon()
	want := slices.Clone(r.Data)
	s.put(r, 0)
	r.Data[0] = 'X'
	s.unchanged(want, "the caller may use the Data it returned to Put for something else afterwards")

	r.Revision, r.Data = 20, slices.Clone(want)
	s.put(r, 10)
	r.Data[0] = 'Y'
	s.unchanged(want, "the caller may use the Data it returned to Put for something else afterwards")

	for range 4 { // one buffer for many records
		copy(r.Data, "records of")
		r.Revision++
		s.put(r, r.Revision-1)
	}
	want = slices.Clone(r.Data)
	clear(r.Data)
	s.unchanged(want, "the caller may use the Data it returned to Put for something else afterwards")
}

func copiesWhatItGives(s *suite) {
	r := record("c", 10)
	r.ConversationID, r.WakeAt = "conversation-1", noon()
	s.put(r, 0)
	want := slices.Clone(r.Data)
	for name, got := range s.everyWay() {
		got.Data[0] = 'X'
		_ = append(got.Data, "beyond its end"...)
		s.unchanged(want, "the caller may change the Data that "+name+" returned it")
	}
}

// unchanged fails unless every read method returns this Data.
func (s *suite) unchanged(want []byte, why string) {
	s.Helper()
	for name, got := range s.everyWay() {
		if !bytes.Equal(got.Data, want) {
			s.Errorf("%s returned the data %q, want %q: a store copies the Data that it accepts and returns: %s", name, got.Data, want, why)
		}
	}
}

// everyWay reads the only record of the store with every read method. It has conversation-1 and is
// due.
func (s *suite) everyWay() map[string]handover.Record {
	s.Helper()
	found, err := s.store.Find(s.Context(), "", "conversation-1")
	if err != nil {
		s.Fatalf("Find = %v; want the record that was last put with this conversation", err)
	}
	due, all := s.due(noon()), s.all("")
	if len(due) != 1 || len(all) != 1 {
		s.Fatalf("Due returned %d records and All %d; want 1 and 1", len(due), len(all))
	}
	return map[string]handover.Record{"Get": s.get(found.Key), "Find": found, "Due": due[0], "All": all[0]}
}
