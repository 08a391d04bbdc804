package handover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever this release does with records of the next one: what it does not know stays with what is still there, and what it
// knows comes out as if nothing unknown were there.
func TestCarryProperties(t *testing.T) {
	t.Parallel()
	for part := range uint64(4) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			survived := 0
			for seed := part; seed < 24; seed += 4 {
				survived += carriesOn(t, seed)
			}
			require.Greater(t, survived, 500, "or the test looks at nothing")
		})
	}
}

// carriesOn runs two worlds of one seed: in one of them records are the next release's, with unknown fields put in again and
// again. It gives how many of those were seen to survive a write.
func carriesOn(t *testing.T, seed uint64) (survived int) {
	t.Helper()
	w, twin := newWorld(t, seed), newWorld(t, seed)
	w.begin(StateRequested)
	twin.begin(StateRequested)
	fields := newWorld(t, seed+1_000_000) // chance of its own, so that the worlds stay alike
	for step := range propertySteps {
		if w.record.Data != nil && step%12 == 0 {
			data := bytes.Replace(w.record.Data, []byte(`"format":1`), []byte(`"format":2`), 1)
			w.record.Data, _ = mark(data, func() bool { return fields.chance(40) })
		}
		before := w.record
		name, _ := w.step()
		twin.step()
		require.Equal(t, twin.record.Data == nil, w.record.Data == nil, "seed %d, %s", seed, name)
		if w.record.Data == nil {
			continue
		}
		require.JSONEq(t, string(twin.record.Data), without(t, w.record.Data), "seed %d, %s", seed, name)
		if before.Data != nil && w.record.Revision != before.Revision {
			survived += compareSpots(t, spotsOf(t, before.Data), spotsOf(t, w.record.Data), fmt.Sprintf("seed %d, %s", seed, name))
		}
	}
	return survived
}

// compareSpots: what was unknown where something still is, is still there.
func compareSpots(t *testing.T, before, after map[string]map[string]any, when string) (survived int) {
	t.Helper()
	for _, at := range slices.Sorted(maps.Keys(before)) {
		now, there := after[at]
		if !there && at != "/out" && at != "/in" && at != "/control" { // lanes are always there
			continue
		}
		for name, v := range before[at] {
			if strings.HasPrefix(name, "zz") {
				require.Equal(t, v, now[name], "%s: %s of %s", when, name, at)
				survived++
			}
		}
	}
	return survived
}

func always() bool { return true }

// mark puts unknown fields into the objects of a record, each with a token of its own, and gives the tokens.
func mark(data []byte, chance func() bool) (marked []byte, tokens []string) {
	tree := parsed(data)
	var put func(v any)
	put = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				put(x)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				switch name {
				case "attributes", "content", "reply": // no structs of ours
				default:
					if !strings.HasPrefix(name, "zz") {
						put(v[name])
					}
				}
			}
			if !chance() {
				return
			}
			name := fmt.Sprintf("zz%d", len(v))
			if _, taken := v[name]; taken {
				return
			}
			token := fmt.Sprintf("token %d of %d", len(tokens), len(data))
			tokens = append(tokens, token)
			v[name] = []any{token, json.Number("12345678901234567890.00000000000000000001"), map[string]any{"seq": nil}}
		}
	}
	put(tree)
	marked, err := json.Marshal(tree)
	if err != nil {
		panic(err)
	}
	return marked, tokens
}

func parsed(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		panic(err)
	}
	return tree
}

// without is a record as our own format has it.
func without(t *testing.T, data []byte) string {
	t.Helper()
	f, err := decode(Record{Data: data})
	require.NoError(t, err)
	f.Format = fileFormat
	return plain(t, f)
}

// spotsOf lists the objects of a record by where they are, those of lists by what they are.
func spotsOf(t *testing.T, data []byte) map[string]map[string]any {
	t.Helper()
	spots := map[string]map[string]any{}
	var walk func(v any, at, name string)
	walk = func(v any, at, name string) {
		switch v := v.(type) {
		case []any:
			for i, x := range v {
				walk(x, fmt.Sprintf("%s[%s]", at, mustName(x, i)), "")
			}
		case map[string]any:
			at += who(v, name)
			if spots[at] != nil && name == "" {
				return // twice the same: not told apart here
			}
			spots[at] = v
			for n, x := range v {
				if !strings.HasPrefix(n, "zz") {
					walk(x, at+"/"+n, n)
				}
			}
			if id, ok := v["id"]; ok && v["text"] != nil && v["seq"] == nil {
				message := fmt.Sprint("message ", id) // wherever it is
				if spots[message] == nil {
					spots[message] = v
				}
			}
		}
	}
	walk(parsed(data), "", "")
	return spots
}

// who tells apart what stands in one place, one after the other.
func who(v map[string]any, name string) string {
	switch name {
	case "lease":
		return fmt.Sprint("#", v["owner"], v["n"])
	case "now", "core", "agent":
		return fmt.Sprint("#", v["id"])
	case "next":
		return who(v["core"].(map[string]any), "core")
	case "adopt":
		return fmt.Sprint("#", v["conversation"])
	case "doubt":
		return fmt.Sprint("#", v["phase"])
	default:
		return ""
	}
}

// mustName tells elements of a list apart by the first that they have.
func mustName(x any, i int) string {
	v, ok := x.(map[string]any)
	if !ok {
		return fmt.Sprint(i)
	}
	for _, name := range []string{"seq", "p", "h", "conversation", "id"} {
		if id, ok := v[name]; ok {
			return strings.TrimSuffix(fmt.Sprint(id, v["status"]), "<nil>")
		}
	}
	if s, ok := v["session"].(map[string]any); ok {
		return fmt.Sprint(s["id"])
	}
	content := maps.Clone(v)
	maps.DeleteFunc(content, func(name string, _ any) bool { return strings.HasPrefix(name, "zz") })
	return fmt.Sprint(content)
}
