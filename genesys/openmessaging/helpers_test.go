package openmessaging_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	om "github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

const (
	integration  = "0b9d7c52-1f3e-4a60-8d21-6c5b4a392817"
	platformID   = "5f2b8c0d9e1a47638b0c4d5e6f708192"
	conversation = "7e1d2c3b-4a59-4687-9b0a-1c2d3e4f5061"
)

func when() time.Time { return time.Date(2026, 3, 2, 9, 15, 30, 250e6, time.UTC) }

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := fs.ReadFile(os.DirFS("testdata"), name+".json")
	require.NoError(tb, err)
	return b
}

// seeded returns a generator with a fixed seed, so that every run is the same.
func seeded(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // test data, no secret
}

func compact(tb testing.TB, b []byte) string {
	tb.Helper()
	var out bytes.Buffer
	require.NoError(tb, json.Compact(&out, b))
	return out.String()
}

// fixtures returns the names of all webhook bodies.
func fixtures(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(tb, err)
	var names []string
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		if !strings.HasPrefix(name, "inbound_") {
			names = append(names, name)
		}
	}
	require.GreaterOrEqual(tb, len(names), 16)
	return names
}

func marshal(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	require.NoError(tb, err)
	return string(b)
}

func parse(tb testing.TB, body string) om.Outbound {
	tb.Helper()
	out, err := om.ParseOutbound([]byte(body))
	require.NoError(tb, err)
	return out
}
