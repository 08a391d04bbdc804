package region

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	customPrefix = "custom:"
	// maxText bounds the input of Parse. The longest real input is an apps URL with a long
	// fragment.
	maxText = 4096
	// maxDomain leaves room for "login." in the 253 characters that a host name may have (RFC 1035,
	// section 2.3.4).
	maxDomain = 253 - len("login.")
	maxLabel  = 63
)

// Parse returns the region that a text names: a code ("eu-west-1", "EU_WEST_1"), a domain
// ("mypurecloud.ie"), or an API, login or apps host or URL with any path
// ("https://apps.mypurecloud.ie:443/directory/#/x"). Case, surrounding spaces, quotes, and a
// trailing slash or dot do not matter. Other hosts of a domain are not accepted:
// help.mypurecloud.com serves customers of every region.
//
// "custom:xyz1.pure.cloud" is a region that is not in the table; see [Custom]. The prefix is
// required, so that a typing error never becomes a host that credentials are sent to.
//
// Any other text is an error that names the nearest known regions. The error quotes only the host,
// not the rest of a URL, because that may be a credential.
func Parse(s string) (Region, error) {
	if len(s) > maxText {
		return "", fmt.Errorf("region: text of %d bytes is too long (limit %d): write a code such as %q", len(s), maxText, EUWest1)
	}
	text := strings.ToLower(unquote(s))
	if text == "" {
		return "", fmt.Errorf("region: empty: write a code such as %q or a domain such as %q", EUWest1, EUWest1.Domain())
	}
	if domain, ok := strings.CutPrefix(text, customPrefix); ok {
		return Custom(domain)
	}
	if r := Region(strings.ReplaceAll(text, "_", "-")); known(r) {
		return r, nil
	}
	host := hostOf(text)
	if r, ok := byDomain(base(host)); ok {
		return r, nil
	}
	if r := Region(host); known(r) { // "eu-west-1/" and "eu-west-1."
		return r, nil
	}
	return "", unknown(host)
}

// Custom returns the region of a domain that is not in the table yet ("xyz1.pure.cloud"); Genesys
// opens about one region a year. The prefixes api., login. and apps. are removed. For a domain of
// the table it returns the region of the table.
//
// The result is "custom:" and the domain. A stored custom region stays valid when a later release
// adds its domain to the table; Parse then returns the region of the table.
//
// Custom refuses everything that is not a host name of at least two labels: schemes, paths, ports,
// user names, IP addresses. Credentials are sent to this domain, so take it from configuration,
// never from a request.
func Custom(domain string) (Region, error) {
	d := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(domain)), ".")
	if err := checkDomain(d); err != nil {
		return "", fmt.Errorf("region: custom domain: %w", err)
	}
	d = base(d)
	if r, ok := byDomain(d); ok {
		return r, nil
	}
	return Region(customPrefix + d), nil
}

// UnmarshalText parses like [Parse], for JSON, YAML, flags and environments. The only difference is
// that empty text is the zero Region, so that an empty field can be written and read. On an error r
// is unchanged.
func (r *Region) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = ""
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// MarshalText returns r unchanged and never fails. flag.TextVar needs it.
func (r Region) MarshalText() ([]byte, error) { return []byte(r), nil }

func known(r Region) bool {
	_, ok := lookup(r)
	return ok
}

func byDomain(domain string) (Region, bool) {
	for _, r := range All() {
		if r.Domain() == domain {
			return r, true
		}
	}
	return "", false
}

// unquote removes surrounding spaces, quotes, and the angle brackets that mail programs put around
// URLs.
func unquote(s string) string {
	return strings.Trim(s, " \t\r\n\v\f\u00a0\u200b\ufeff\"'`<>“”‘’„‚«»")
}

// hostOf returns the host of a URL, or of a host with a port and a path, as a browser parses it:
// the text before an "@" is a user name, and a backslash ends the host too.
func hostOf(s string) string {
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	}
	s = strings.TrimPrefix(s, "//")
	if i := strings.IndexAny(s, `/\?#`); i >= 0 {
		s = s[:i]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	s, _, _ = strings.Cut(s, ":")
	return strings.TrimSuffix(strings.TrimSpace(s), ".")
}

// base removes all prefixes of Genesys' hosts, so that base(base(x)) is base(x). At least two
// labels remain.
func base(host string) string {
	for {
		prefix, rest, _ := strings.Cut(host, ".")
		if (prefix != "api" && prefix != "login" && prefix != "apps") || !strings.Contains(rest, ".") {
			return host
		}
		host = rest
	}
}

// checkDomain checks a domain in lower case. Its errors quote nothing, because the text may be a
// URL with credentials.
func checkDomain(d string) error {
	switch {
	case d == "":
		return errors.New(`empty: write the base domain, such as "xyz1.pure.cloud"`)
	case strings.Contains(d, "://") || strings.ContainsAny(d, `/\?#`):
		return errors.New(`a URL: write the domain alone, without scheme and path, such as "xyz1.pure.cloud"`)
	case strings.Contains(d, "@"):
		return errors.New("a user name before the host: write the domain alone")
	case strings.Contains(d, ":"):
		return errors.New("a port or an IPv6 address: write the domain alone")
	case len(d) > maxDomain:
		return fmt.Errorf("%d characters is too long (limit %d)", len(d), maxDomain)
	}
	labels := strings.Split(d, ".")
	if len(labels) < 2 {
		return errors.New(`one label only: write the whole domain, such as "xyz1.pure.cloud"`)
	}
	for i, label := range labels {
		if !isLabel(label) {
			return fmt.Errorf("label %d is not a host name label: 1 to %d of a-z, 0-9 and inner hyphens", i+1, maxLabel)
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return errors.New("an IP address: write the domain, as TLS and the other hosts need it")
	}
	return nil
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

const (
	maxSuggestions = 3
	// maxQuoted is below the length of a Genesys client secret, which may be pasted into the wrong
	// field.
	maxQuoted = 40
)

// unknown returns the error for a host or code that is not in the table.
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

// nearest returns at most three regions whose code, domain or place differs by a few typing errors:
// the nearest first, then by code, so that the result is deterministic.
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

// distance returns the number of runes to insert, delete or replace (Levenshtein).
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
