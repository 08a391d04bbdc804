package contract_test

import (
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/internal/integration/contract"
)

const (
	shelf = "https://api.example.com/api/v2/shelves/7/books"
	book  = `{"title":"Emma"}`
)

// exchange is a correct POST of a book; cases change one thing of it.
func exchange(t *testing.T, method, url, sent string, status int, got string) contract.Exchange {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	return contract.Exchange{
		Request: req, RequestBody: []byte(sent), Status: status,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, ResponseBody: []byte(got),
	}
}

func load(t *testing.T, deviations ...contract.Deviation) *contract.Definition {
	t.Helper()
	d, err := contract.Load("testdata/shelf.json", deviations)
	require.NoError(t, err)
	return d
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method, url, sent string
		status            int
		got               string
		side, at, problem string // of the one violation; at empty: none
	}{
		"nothing wrong":             {sent: `{"title":"Emma","kind":"Novel","pages":474,"printed":"1815-12-23T00:00:00.000Z"}`},
		"a map allows any key":      {sent: `{"title":"Emma","labels":{"any":"x"}}`},
		"a free form stays free":    {sent: `{"title":"Emma","notes":{"any":[1,{"deep":true}]}}`},
		"unknown property":          {sent: `{"title":"Emma","titel":"x"}`, side: "request", at: "/", problem: `"titel" is unsupported`},
		"unknown nested property":   {sent: `{"title":"Emma","author":{"nom":"x"}}`, side: "request", at: "/author", problem: `"nom"`},
		"unknown behind recursion":  {sent: `{"title":"Emma","sequel":{"title":"II","x":1}}`, side: "request", at: "/sequel", problem: `"x"`},
		"missing required":          {sent: `{"kind":"Novel"}`, side: "request", at: "/title", problem: "missing"},
		"wrong enum":                {sent: `{"title":"Emma","kind":"novel"}`, side: "request", at: "/kind", problem: "allowed values"},
		"wrong type":                {sent: `{"title":5}`, side: "request", at: "/title", problem: "string"},
		"not an integer":            {sent: `{"title":"Emma","pages":4.5}`, side: "request", at: "/pages", problem: "integer"},
		"wrong map value":           {sent: `{"title":"Emma","labels":{"a":1}}`, side: "request", at: "/labels/a", problem: "string"},
		"bad time":                  {sent: `{"title":"Emma","printed":"23.12.1815"}`, side: "request", at: "/printed", problem: "date-time"},
		"null":                      {sent: `{"title":null}`, side: "request", at: "/title", problem: "nullable"},
		"read-only, sent":           {sent: `{"title":"Emma","id":"1"}`, side: "request", at: "/id", problem: "readOnly"},
		"read-only, answered":       {got: `{"title":"Emma","id":"1"}`},
		"no body":                   {sent: "-", side: "request", at: "body", problem: "missing"},
		"not JSON":                  {sent: `{`, side: "request", at: "body", problem: "not JSON"},
		"body where none is":        {method: http.MethodGet, url: shelf + "?page=1", got: `[]`, side: "request", at: "body", problem: "has no body"},
		"unknown path":              {url: "https://api.example.com/api/v2/shelfs/7/books", side: "request", at: "path", problem: "no such operation"},
		"unknown method":            {method: http.MethodPut, side: "request", at: "path", problem: "no such operation"},
		"method of another route":   {url: "https://api.example.com/api/v2/shelves/open/books"},
		"unknown query parameter":   {url: shelf + "?dryrun=true", side: "request", at: "query dryrun", problem: "no such parameter"},
		"wrong query type":          {url: shelf + "?dryRun=1", side: "request", at: "query dryRun/", problem: "boolean"},
		"wrong query enum":          {url: shelf + "?order=up", side: "request", at: "query order/", problem: "allowed values"},
		"repeated query, many":      {url: shelf + "?tag=a&tag=b"},
		"repeated query, one":       {url: shelf + "?order=asc&order=desc", side: "request", at: "query order", problem: "2 times"},
		"missing query":             {method: http.MethodGet, sent: "-", got: `[]`, side: "request", at: "query page", problem: "missing"},
		"empty path parameter":      {url: "https://api.example.com/api/v2/shelves//books", side: "request", at: "path shelfId", problem: "empty"},
		"any 2xx is the success":    {status: http.StatusAccepted},
		"unknown in the answer":     {got: `{"title":"Emma","x":1}`, side: "answer 200", at: "/", problem: `"x"`},
		"no answer":                 {got: "-", side: "answer 200", at: "body", problem: "missing"},
		"an error is an error body": {status: http.StatusNotFound, got: `{"message":"no","code":"not.found","status":404}`},
		"an error with another":     {status: http.StatusConflict, got: `{"reason":"no"}`, side: "answer 409", at: "/", problem: `"reason"`},
		"answer where none is": {
			method: http.MethodDelete, url: "https://api.example.com/api/v2/shelves/open/books", sent: "-", status: http.StatusNoContent,
			side: "answer 204", at: "body", problem: "has none",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := func(given string) string {
				if given == "-" {
					return ""
				}
				return or(given, book)
			}
			e := exchange(t, or(c.method, http.MethodPost), or(c.url, shelf), body(c.sent), or(c.status, http.StatusOK), body(c.got))
			found := load(t).Check(e, contract.NewCoverage())
			if c.at == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1, "%v", found)
			require.Equal(t, c.side, found[0].Side)
			require.Equal(t, c.at, found[0].At)
			require.Contains(t, found[0].Problem, c.problem)
		})
	}
}

func or[T comparable](given, otherwise T) T {
	var zero T
	if given == zero {
		return otherwise
	}
	return given
}

func TestCheckFindsSeveralAtOnce(t *testing.T) {
	t.Parallel()
	e := exchange(t, http.MethodPost, shelf+"?no=1", `{"kind":"x","y":1}`, http.StatusOK, `{"title":"Emma","z":1}`)
	require.Len(t, load(t).Check(e, contract.NewCoverage()), 5)
}

func TestCheckWantsJSONHeaders(t *testing.T) {
	t.Parallel()
	e := exchange(t, http.MethodPost, shelf, book, http.StatusOK, book)
	e.Header = http.Header{"Content-Type": {"text/html"}}
	found := load(t).Check(e, contract.NewCoverage())
	require.Len(t, found, 1)
	require.Equal(t, "header Content-Type", found[0].At)
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	const op = "POST /api/v2/shelves/{shelfId}/books"
	d, c := load(t), contract.NewCoverage()
	require.True(t, d.Has(op))
	require.False(t, d.Has("PUT /api/v2/shelves/{shelfId}/books"))
	require.False(t, c.Succeeded(op))

	d.Check(exchange(t, http.MethodPost, shelf+"?dryRun=true", `{"title":"Emma","author":{"name":"J"}}`,
		http.StatusBadRequest, `{"code":"bad"}`), c)
	require.False(t, c.Succeeded(op), "an error answer exercises nothing")
	require.True(t, c.Failed(http.StatusBadRequest))
	require.False(t, c.Failed(http.StatusNotFound))

	d.Check(exchange(t, http.MethodPost, shelf, book, http.StatusOK, `{"title":"Emma","sequel":{"title":"II"}}`), c)
	require.True(t, c.Succeeded(op))
	require.True(t, c.Sent("author.name"))
	require.False(t, c.Sent("kind"))
	require.Equal(t, []string{op}, c.Operations())
	require.Equal(t, op+"\n"+
		"  2 exchanges, answers: 1×200 1×400\n"+
		"  query:    dryRun\n"+
		"  sent:     author.name, title\n"+
		"  answered: sequel.title, title\n"+
		"  error:    code\n", c.String())
}

func TestDeviations(t *testing.T) {
	t.Parallel()
	t.Run("an amended schema is checked too", func(t *testing.T) {
		t.Parallel()
		d := load(t, contract.Deviation{Name: "author.born", Amend: func(doc *openapi3.T) error {
			doc.Components.Schemas["Author"].Value.Properties["born"] = openapi3.NewIntegerSchema().NewRef()
			return nil
		}})
		check := func(sent string) []contract.Violation {
			return d.Check(exchange(t, http.MethodPost, shelf, sent, http.StatusOK, book), contract.NewCoverage())
		}
		require.Empty(t, check(`{"title":"Emma","author":{"born":1775}}`))
		require.Len(t, check(`{"title":"Emma","author":{"born":"1775"}}`), 1)
	})
	t.Run("one that does not apply is an error", func(t *testing.T) {
		t.Parallel()
		_, err := contract.Load("testdata/shelf.json", contract.Genesys())
		require.ErrorContains(t, err, "no schema ConversationChannelMetadata")
	})
	t.Run("each has its reason and source", func(t *testing.T) {
		t.Parallel()
		for _, d := range contract.Genesys() {
			require.NotEmpty(t, d.Name)
			require.NotEmpty(t, d.Reason, d.Name)
			require.Contains(t, d.Source, "https://", d.Name)
		}
	})
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"no file": "testdata/none.json", "not JSON": "check_test.go", "no paths": "testdata/empty.json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := contract.Load(path, nil)
			require.ErrorContains(t, err, "contract: ")
		})
	}
}
