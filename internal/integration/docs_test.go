package integration_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// declared lists the tests, fuzz targets and examples of the whole repository.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) //nolint:gosec // our own sources
		for _, found := range function.FindAllStringSubmatch(string(source), -1) {
			names[found[1]] = true
		}
		return err
	}))
	return names
}

// TestSecurityNamesRealTests keeps the threat table honest: each row names tests, and each test
// exists.
func TestSecurityNamesRealTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	require.NoError(t, err)
	names := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	known, rows := declared(t), 0
	for line := range strings.Lines(string(page)) {
		found := names.FindAllStringSubmatch(line, -1)
		for _, name := range found {
			require.Contains(t, known, name[1], "SECURITY.md names a test that does not exist")
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.TrimSpace(cells[0]) == "Threat" {
			continue
		}
		rows++
		require.Len(t, cells, 3, "a row is threat, what holds, tests: %s", line)
		require.NotEmpty(t, found, "a threat without a test: %s", line)
	}
	require.Greater(t, rows, 10)
}

// TestDocumentsLinkToFilesThatExist follows the relative links of the documents.
func TestDocumentsLinkToFilesThatExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "handover/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		pages = append(pages, found...)
	}
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(page) //nolint:gosec // our own documents
			require.NoError(t, err)
			for _, found := range link.FindAllStringSubmatch(string(text), -1) {
				if !strings.Contains(found[1], "://") {
					_, err := os.Stat(filepath.Join(filepath.Dir(page), found[1])) //nolint:gosec // our own documents
					require.NoError(t, err, "the link leads nowhere")
				}
			}
		})
	}
}

// TestReadmeIsShort limits the README to 150 lines, and its quick start to 30.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	text := string(page)
	require.Less(t, strings.Count(text, "\n"), 150)

	_, text, ok := strings.Cut(text, "<!-- quick start: begin -->\n```go\n")
	require.True(t, ok, "the quick start is between two comments")
	code, _, ok := strings.Cut(text, "```\n<!-- quick start: end -->")
	require.True(t, ok, "the quick start is between two comments")
	require.LessOrEqual(t, strings.Count(code, "\n"), 30)
}
