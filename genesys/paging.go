package genesys

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/url"
	"strconv"
)

// maxPages stops a listing whose server ignores the page number.
const maxPages = 2000

// listing is Genesys' page. Some listings, queue members among them, count neither entities nor pages.
type listing[T any] struct {
	Entities  []T    `json:"entities"`
	PageSize  int    `json:"pageSize"`
	PageCount int    `json:"pageCount"`
	NextURI   string `json:"nextUri"`
}

// more: UNCERTAIN how every listing marks its last page, so each of the ways is understood.
func (l listing[T]) more(page, asked int) bool {
	switch {
	case len(l.Entities) == 0:
		return false
	case l.PageCount > 0:
		return page < l.PageCount
	case l.NextURI != "":
		return true
	case l.PageSize > 0:
		return len(l.Entities) >= l.PageSize
	default:
		return len(l.Entities) >= asked
	}
}

// pages fetches lazily: nothing before the first element is asked for, nothing after the loop is left. The sequence ends
// after the first error and can be ranged over again from the start.
func pages[W, T any](ctx context.Context, c *core, r Request, size int, convert func(W) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for page := 1; page <= maxPages; page++ {
			var l listing[W]
			if err := c.do(ctx, onPage(r, page, size), &l); err != nil {
				yield(zero, err)
				return
			}
			for _, w := range l.Entities {
				if !yield(convert(w), nil) {
					return
				}
			}
			if !l.more(page, size) {
				return
			}
		}
		yield(zero, invalid(r.Op, errors.New("the listing does not end")))
	}
}

func onPage(r Request, page, size int) Request {
	q := url.Values{}
	maps.Copy(q, r.Query)
	q.Set("pageNumber", strconv.Itoa(page))
	q.Set("pageSize", strconv.Itoa(size))
	r.Query = q
	return r
}
