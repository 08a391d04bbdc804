package genesys_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// organisation serves queues as Genesys does: by name without regard to case, with wildcards not
// needed here.
type organisation struct {
	names     []string
	divisions []string
	noCount   bool // a listing that does not count its pages
}

func (o organisation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("pageSize"))
	page, _ := strconv.Atoi(q.Get("pageNumber"))
	var all []map[string]any
	for i, name := range o.names {
		division := "d1"
		if o.divisions != nil {
			division = o.divisions[i]
		}
		if want := q.Get("name"); want != "" && !strings.EqualFold(want, name) {
			continue
		}
		if want := q.Get("divisionId"); want != "" && want != division {
			continue
		}
		all = append(all, map[string]any{"id": "q" + strconv.Itoa(i), "name": name, "division": map[string]string{"id": division, "name": "Division " + division}})
	}
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	body := map[string]any{"entities": all[from:to], "pageNumber": page, "pageSize": size}
	if !o.noCount {
		body["pageCount"] = (len(all) + size - 1) / size
		body["total"] = len(all)
	}
	answer(w, http.StatusOK, body)
}

func TestQueueNamed(t *testing.T) {
	t.Parallel()
	org := organisation{
		names:     []string{"Billing", "billing", "Support", "Support", "Support EMEA", "Biling", "Sales", "Returns"},
		divisions: []string{"d1", "d1", "d1", "d2", "d1", "d1", "d1", "d1"},
	}
	tests := map[string]struct {
		name, division string
		id             string
		is             error
		says           []string
		nearest        []string
	}{
		"exact":                 {name: "Billing", id: "q0"},
		"case matters":          {name: "billing", id: "q1"},
		"in a division":         {name: "Support", division: "d2", id: "q3"},
		"ambiguous":             {name: "Support", is: genesys.ErrAmbiguous, says: []string{"2 queues are named \"Support\"", "Division d1 d1", "Division d2 d2"}},
		"a typing mistake":      {name: "Bilding", is: genesys.ErrNotFound, says: []string{`near: "Biling", "Billing"`}, nearest: []string{"Biling", "Billing", "billing"}},
		"another case":          {name: "SALES", is: genesys.ErrNotFound, nearest: []string{"Sales"}},
		"space around":          {name: " Returns ", is: genesys.ErrNotFound, nearest: []string{"Returns"}},
		"part of a name":        {name: "EMEA", is: genesys.ErrNotFound, nearest: []string{"Support EMEA"}},
		"nothing near":          {name: "Zebra crossing", is: genesys.ErrNotFound, says: []string{"Routing > Queue > View"}},
		"of another division":   {name: "Sales", division: "d2", is: genesys.ErrNotFound, says: []string{"in division d2"}},
		"empty is refused here": {name: " ", says: []string{"empty"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := (&wire{handle: org.ServeHTTP}).client(t)
			q, err := c.Routing.QueueNamed(t.Context(), tt.name, tt.division)
			if tt.id != "" {
				require.NoError(t, err)
				require.Equal(t, tt.id, q.ID)
				return
			}
			require.Error(t, err)
			require.Equal(t, genesys.EffectNone, genesys.EffectOf(fmt.Errorf("wrapped: %w", err)))
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			for _, s := range tt.says {
				require.ErrorContains(t, err, s)
			}
			if e, ok := errors.AsType[*genesys.QueueNotFoundError](err); ok {
				require.Equal(t, tt.nearest, e.Nearest)
			}
		})
	}
}

func TestQueueNamedLooksAtFourPages(t *testing.T) {
	t.Parallel()
	org := organisation{names: make([]string, 3000)}
	for i := range org.names {
		org.names[i] = fmt.Sprintf("Queue %04d", i)
	}
	w := &wire{handle: org.ServeHTTP}
	_, err := w.client(t).Routing.QueueNamed(t.Context(), "queue 0001", "")
	e, ok := errors.AsType[*genesys.QueueNotFoundError](err)
	require.True(t, ok)
	require.Len(t, e.Nearest, 3)
	require.Equal(t, "Queue 0001", e.Nearest[0])
	require.Len(t, w.all(), 5, "one by name, four pages")
}

func TestQueueNamedWhenListingFails(t *testing.T) {
	t.Parallel()
	w := &wire{handle: func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("name") {
			answer(rw, 200, `{"entities":[]}`)
			return
		}
		answer(rw, 500, "{}")
	}}
	_, err := w.client(t).Routing.QueueNamed(t.Context(), "Support", "")
	require.ErrorIs(t, err, genesys.ErrNotFound)
}

func TestPaging(t *testing.T) {
	t.Parallel()
	org := organisation{names: make([]string, 1100)}
	for i := range org.names {
		org.names[i] = fmt.Sprint(i)
	}
	for name, noCount := range map[string]bool{"counted": false, "uncounted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := org
			org.noCount = noCount
			w := &wire{handle: org.ServeHTTP}
			seq := w.client(t).Routing.Queues(t.Context(), genesys.QueueFilter{})
			require.Empty(t, w.all(), "nothing before the loop")
			n := 0
			for _, err := range seq {
				require.NoError(t, err)
				if n++; n == 500 {
					break
				}
			}
			require.Len(t, w.all(), 1, "nothing after the loop was left")
			queues, err := collect(seq)
			require.NoError(t, err)
			require.Len(t, queues, 1100, "from the start again")
			require.Len(t, w.all(), 4)
		})
	}
	t.Run("ends after the first error", func(t *testing.T) {
		t.Parallel()
		w := &wire{handle: func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("pageNumber") == "2" {
				answer(rw, 500, "{}")
				return
			}
			org.ServeHTTP(rw, r)
		}}
		var errs, n int
		for _, err := range w.client(t).Routing.Queues(t.Context(), genesys.QueueFilter{}) {
			if n++; err != nil {
				errs++
				require.ErrorIs(t, err, genesys.ErrUnavailable)
			}
		}
		require.Equal(t, []int{1, 501}, []int{errs, n})
	})
	t.Run("a server that ignores the page number", func(t *testing.T) {
		t.Parallel()
		w := &wire{handle: script(map[int]string{200: `{"entities":[{"id":"q"}],"nextUri":"/again"}`}, 200)}
		_, err := collect(w.client(t).Routing.Queues(t.Context(), genesys.QueueFilter{}))
		require.ErrorContains(t, err, "does not end")
	})
}

func TestEstimatedWaitUnknown(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no results": `{"results":[]}`, "null": `{"results":[{"intent":"MESSAGE","estimatedWaitTimeSeconds":null}]}`,
		"negative": `{"results":[{"intent":"MESSAGE","estimatedWaitTimeSeconds":-1}]}`, "absurd": `{"results":[{"estimatedWaitTimeSeconds":1e300}]}`,
		"empty": ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, known, err := (&wire{handle: func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, body) }}).client(t).Routing.EstimatedWait(t.Context(), support)
			require.NoError(t, err)
			require.False(t, known)
			require.Zero(t, d)
		})
	}
}
