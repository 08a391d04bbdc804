package genesystest

import (
	"net/http"
	"net/url"
	"strconv"
)

// ref is a DomainEntityRef.
type ref struct {
	ID      string `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`
	SelfURI string `json:"selfUri,omitempty"`
}

// A listing is one page of entities.
type listing[T any] struct {
	Entities    []T    `json:"entities"`
	PageSize    int    `json:"pageSize"`
	PageNumber  int    `json:"pageNumber"`
	Total       *int   `json:"total,omitempty"`
	FirstURI    string `json:"firstUri,omitempty"`
	SelfURI     string `json:"selfUri,omitempty"`
	PreviousURI string `json:"previousUri,omitempty"`
	NextURI     string `json:"nextUri,omitempty"`
	LastURI     string `json:"lastUri,omitempty"`
	PageCount   *int   `json:"pageCount,omitempty"`
}

// page cuts the page a request asks for out of all. Members are listed without a total: their definition has none.
func page[T any](c *call, all []T, maxSize int, totals bool) answer {
	q := c.request.URL.Query()
	size, wrong := number(q, "pageSize", 25, maxSize)
	if wrong != nil {
		return *wrong
	}
	n, wrong := number(q, "pageNumber", 1, 1<<20)
	if wrong != nil {
		return *wrong
	}
	pages := max(1, (len(all)+size-1)/size)
	from := min((n-1)*size, len(all))
	l := listing[T]{
		Entities: append([]T{}, all[from:min(from+size, len(all))]...), PageSize: size, PageNumber: n,
		FirstURI: pageURI(c.request, 1), SelfURI: pageURI(c.request, n),
	}
	if totals {
		l.Total, l.PageCount, l.LastURI = new(len(all)), new(pages), pageURI(c.request, pages)
	}
	if n > 1 {
		l.PreviousURI = pageURI(c.request, n-1)
	}
	if n < pages {
		l.NextURI = pageURI(c.request, n+1)
	}
	return answerOK(l)
}

func number(q url.Values, name string, standard, most int) (int, *answer) {
	if !q.Has(name) {
		return standard, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most {
		a := badRequest("invalid.value", name, "is %q, allowed are 1 to %d", q.Get(name), most)
		return 0, &a
	}
	return n, nil
}

// pageURI is relative to the host, as Genesys' are.
func pageURI(r *http.Request, n int) string {
	q := r.URL.Query()
	q.Set("pageNumber", strconv.Itoa(n))
	return r.URL.Path + "?" + q.Encode()
}
