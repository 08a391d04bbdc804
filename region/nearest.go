package region

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	maxSuggestions = 3
	// maxQuoted is below the length of a Genesys client secret, should one be pasted into the wrong field.
	maxQuoted = 40
)

// unknown is the error for a host or code that is not in the table.
func unknown(s string) error {
	var b strings.Builder
	if len(s) <= maxQuoted {
		fmt.Fprintf(&b, "region: %q is not a known region", s)
	} else {
		fmt.Fprintf(&b, "region: a text of %d bytes is not a known region", len(s))
	}
	if checkDomain(s) == nil {
		fmt.Fprintf(&b, " (if it is newer than this release, write \"%s<domain>\", see Custom)", customPrefix)
	}
	if near := nearest(s); len(near) > 0 {
		b.WriteString("; did you mean ")
		for i, r := range near {
			if i > 0 {
				b.WriteString(" or ")
			}
			fmt.Fprintf(&b, "%s (%s, %s)", r, r.Domain(), r.Place())
		}
		b.WriteByte('?')
	} else {
		fmt.Fprintf(&b, "; write a code such as %q or a domain such as %q", EUWest1, EUWest1.Domain())
	}
	return errors.New(b.String())
}

// nearest returns at most three regions whose code, domain or place is a few typing errors away: nearest first, then by
// code, so that the same text always gets the same answer.
func nearest(s string) []Region {
	if s == "" || len(s) > maxQuoted {
		return nil
	}
	type candidate struct {
		region   Region
		distance int
	}
	host, limit := base(s), (len(s)+2)/4
	var found []candidate
	for _, r := range All() {
		d := min(distance(s, string(r)), distance(host, r.Domain()), distance(s, strings.ToLower(r.Place())))
		if d <= limit {
			found = append(found, candidate{r, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	regions := make([]Region, 0, maxSuggestions)
	for _, c := range found[:min(len(found), maxSuggestions)] {
		regions = append(regions, c.region)
	}
	return regions
}

// distance counts the runes to insert, delete or replace (Levenshtein), one row at a time.
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, ra := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, rb := range b {
			cost := 1
			if ra == rb {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
