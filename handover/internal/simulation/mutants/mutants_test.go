package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The source that a bug is planted in changes. This test shows it at once; that a bug is found is
// shown by the command.
func TestEveryBugCanBePlanted(t *testing.T) {
	t.Parallel()
	mechanisms, names := map[string]int{}, map[string]bool{}
	for _, m := range mutants {
		require.False(t, names[m.name()], "%s is there twice", m.name())
		names[m.name()] = true
		mechanisms[m.mechanism]++
		t.Run(m.name(), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(filepath.Join("../..", m.file))
			require.NoError(t, err)
			changed, err := m.plant(string(source))
			require.NoError(t, err)
			require.NotEqual(t, string(source), changed)
			_, err = parser.ParseFile(token.NewFileSet(), m.file, changed, 0)
			require.NoError(t, err)
		})
	}
	require.GreaterOrEqual(t, len(mutants), 60)
	for mechanism, n := range mechanisms {
		require.GreaterOrEqual(t, n, 3, "%s has too few bugs", mechanism)
	}
}

func TestFirstFailure(t *testing.T) {
	t.Parallel()
	require.Equal(t, "after   3 seeds: no message lost: m1", firstFailure("--- FAIL: x\n    a.go:1: seed 12: no message lost: m1\n", 10))
	require.Equal(t, "the run fails: panic: boom", firstFailure("panic: boom\ngoroutine 1", 1))
}
