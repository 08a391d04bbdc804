package handover

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConstantsEqualTheEngines checks that the string constants of the engine are public ones, with
// the same names and values. Values are passed between the two without conversion.
func TestConstantsEqualTheEngines(t *testing.T) {
	t.Parallel()
	public := stringConstants(t, ".")
	require.Greater(t, len(public), 60)
	internal := map[string]string{}
	for _, dir := range []string{"machine", "record", "engine"} {
		maps.Copy(internal, stringConstants(t, filepath.Join("internal", dir)))
	}
	require.Greater(t, len(internal), 50)
	for name, value := range internal {
		require.Equal(t, public[name], value, name)
	}
}

// stringConstants returns the exported string constants of a package, without the sets that only
// one side has.
func stringConstants(t *testing.T, dir string) map[string]string {
	t.Helper()
	sets := regexp.MustCompile(`^(Op|State|Turn|End|Code|Notice|Route|Identity|Receipts|Speaker)[A-Z]`)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := map[string]string{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != len(v.Names) {
				return true
			}
			for i, name := range v.Names {
				if value, ok := v.Values[i].(*ast.BasicLit); ok && value.Kind == token.STRING && sets.MatchString(name.Name) {
					found[name.Name] = value.Value
				}
			}
			return true
		})
	}
	return found
}
