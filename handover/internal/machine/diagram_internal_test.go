package machine

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	statesFile    = "../../STATES.md"
	diagramBegin  = "<!-- diagram: begin -->\n"
	diagramEnd    = "<!-- diagram: end -->\n"
	diagramAction = "STATES.md differs from Transitions: go test ./handover/internal/machine -run TestDiagram -update"
)

// diagram returns arrows as a state diagram of Mermaid. The events that end a session in every open
// state share one label, explained below the diagram, to keep it readable.
func diagram(list []Arrow) string {
	ways := exits(list)
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	for i, tr := range list {
		if i > 0 && list[i-1].From == tr.From && list[i-1].To == tr.To {
			continue
		}
		var labels []string
		for _, x := range list {
			if x.From != tr.From || x.To != tr.To {
				continue
			}
			label := x.On
			if x.To == StateEnded && slices.Contains(ways, x.On) {
				label = "over"
			}
			if !slices.Contains(labels, label) {
				labels = append(labels, label)
			}
		}
		b.WriteString("    " + node(tr.From) + " --> " + node(tr.To) + " : " + strings.Join(labels, ", or ") + "\n")
	}
	b.WriteString("    ended --> [*]\n```\n\n*over* is one of these, in every open state:\n\n")
	for _, way := range ways {
		b.WriteString("* " + way + "\n")
	}
	return b.String()
}

func node(s State) string {
	if s == "" {
		return "[*]"
	}
	return string(s)
}

// exits returns the events that end a session in any open state.
func exits(list []Arrow) []string {
	from := map[string]int{}
	var names []string
	open := map[State]bool{}
	for _, tr := range list {
		if tr.From != "" {
			open[tr.From] = true
		}
		if tr.To == StateEnded {
			from[tr.On]++
			names = append(names, tr.On)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(on string) bool { return from[on] < len(open) })
}

func TestDiagram(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(statesFile)
	require.NoError(t, err)
	head, rest, begins := strings.Cut(string(page), diagramBegin)
	_, tail, ends := strings.Cut(rest, diagramEnd)
	require.True(t, begins && ends, "the markers are gone")
	want := head + diagramBegin + diagram(Transitions()) + diagramEnd + tail
	if *updateGolden {
		require.NoError(t, os.WriteFile(statesFile, []byte(want), 0o644)) //nolint:gosec // to be committed
		return
	}
	require.Equal(t, want, string(page), diagramAction)
}

// Mermaid parses each line: a colon, a semicolon or a number sign in a label breaks it.
func TestDiagramIsMermaid(t *testing.T) {
	t.Parallel()
	arrow := regexp.MustCompile(`^    (\[\*\]|[a-z]+) --> (\[\*\]|[a-z]+)( : [A-Za-z][A-Za-z ,]*)?$`)
	_, rest, _ := strings.Cut(diagram(Transitions()), "stateDiagram-v2\n")
	body, _, closed := strings.Cut(rest, "```\n")
	require.True(t, closed)
	seen := map[string]bool{}
	for line := range strings.Lines(body) {
		found := arrow.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		require.NotNil(t, found, "Mermaid may not read %q", line)
		require.False(t, seen[found[1]+found[2]], "two arrows for one: %q", line)
		seen[found[1]+found[2]] = true
		require.True(t, found[1] != "[*]" || found[3] != "")
	}
	for _, tr := range Transitions() {
		require.True(t, seen[node(tr.From)+node(tr.To)], tr)
	}
}

// Every state has a row that says whose word it is.
func TestDiagramExplainsEveryState(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(statesFile)
	require.NoError(t, err)
	for _, s := range allStates() {
		turn := TurnBot
		if s.Agents() {
			turn = TurnAgent
		}
		require.Contains(t, string(page), "| `"+string(s)+"` | "+string(turn)+" | ")
	}
	require.Equal(t, len(allStates()), strings.Count(string(page), "\n| `"))
}
