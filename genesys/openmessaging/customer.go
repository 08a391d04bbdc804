package openmessaging

import (
	"strings"
	"unicode/utf8"
)

// An IDType is the kind of a customer id. The enum of Genesys is capitalized and some of its
// samples are not, so the case is corrected on reading and on writing.
type IDType string

// These are the id types of Open Messaging. Use [IDOpaque] unless the id is an address: Genesys
// may match email addresses and phone numbers to external contacts.
const (
	IDOpaque IDType = "Opaque"
	IDEmail  IDType = "Email"
	IDPhone  IDType = "Phone"
)

// wire returns the id type in the spelling of Genesys and reports whether it is known. An empty
// type is [IDOpaque].
func (t IDType) wire() (IDType, bool) {
	if t == "" {
		return IDOpaque, true
	}
	for _, known := range []IDType{IDOpaque, IDEmail, IDPhone} {
		if strings.EqualFold(string(t), string(known)) {
			return known, true
		}
	}
	return t, false
}

// A Customer is the person in the conversation, as the agent sees them. Its JSON is
// channel.from of a request.
//
// Only ID is required. Genesys threads by it: messages with the same ID from the same
// integration join the same conversation during the threading window (72 hours by default,
// https://help.mypurecloud.com/articles/messaging-threading-timeline/).
//
// Whether agents see Email and ImageURL is UNCERTAIN. The schema has both; a notice of 2021
// calls them inaccessible
// (https://developer.genesys.cloud/forum/t/open-messaging-api-removing-inaccessible-fields/11021).
type Customer struct {
	ID        string `json:"id"`
	IDType    IDType `json:"idType,omitempty"` // default IDOpaque
	Nickname  string `json:"nickname,omitempty"`
	FirstName string `json:"firstName,omitempty"`
	LastName  string `json:"lastName,omitempty"`
	Email     string `json:"email,omitempty"`
	ImageURL  string `json:"image,omitempty"` // absolute http or https
}

// Validate reports every mistake: a missing id, an unknown id type, an image that is not a URL,
// and text that is not UTF-8. Every error it returns wraps a [*FieldError]. Genesys documents
// no maximum length of an id or a name (UNCERTAIN), so only [MaxRequestBytes] limits them.
func (c Customer) Validate() error {
	p := problems{what: "customer"}
	c.check(&p, "")
	return p.err()
}

func (c Customer) check(p *problems, at string) {
	if c.ID == "" {
		p.add(at+"ID", "is empty; set it to your own id of the customer")
	}
	if _, ok := c.IDType.wire(); !ok {
		p.add(at+"IDType", "is not one of Opaque, Email, Phone; leave it empty for Opaque")
	}
	if c.ImageURL != "" && !absoluteURL(c.ImageURL) {
		p.add(at+"ImageURL", "is not an absolute http or https URL; set one that Genesys can fetch, or none")
	}
	for _, f := range [...]struct{ name, value string }{
		{"ID", c.ID}, {"Nickname", c.Nickname}, {"FirstName", c.FirstName}, {"LastName", c.LastName}, {"Email", c.Email},
	} {
		if !utf8.ValidString(f.value) {
			p.utf8(at+f.name, f.value)
		}
	}
}

// wire returns the customer with the id type in the spelling of Genesys.
func (c Customer) wire() Customer {
	c.IDType, _ = c.IDType.wire()
	return c
}

func (c Customer) size() int {
	return len(c.ID) + len(c.IDType) + len(c.Nickname) + len(c.FirstName) + len(c.LastName) + len(c.Email) + len(c.ImageURL)
}
