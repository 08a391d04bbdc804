package openmessaging

import "strings"

// An IDType says what a customer id is. Genesys' enum is capitalised; samples in its documentation are not, so
// reading and writing both correct the case.
type IDType string

// The id types Open Messaging knows. Use [IDOpaque] unless the id really is an address: Genesys may match e-mail
// addresses and phone numbers to external contacts.
const (
	IDOpaque IDType = "Opaque"
	IDEmail  IDType = "Email"
	IDPhone  IDType = "Phone"
)

// wire returns the type as Genesys spells it, and whether Genesys knows it. Empty means [IDOpaque].
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

// A Customer is the person at the other end, as Genesys shows them to the agent. Its JSON is the wire's channel.from.
//
// Only ID is required. It is the threading key: messages with the same ID from the same integration join the same
// conversation for as long as the threading window lasts (72 hours by default,
// https://help.mypurecloud.com/articles/messaging-threading-timeline/). Whether agents see Email and ImageURL is
// UNCERTAIN: the schema has them, a notice of 2021 called them unusable
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

// Validate reports every mistake: no id, an id type Genesys does not know, an image that is no URL, text that is not
// UTF-8. Every error in it is a [*FieldError]. How long an id or a name may be is not documented (UNCERTAIN), so only
// [MaxRequestBytes] bounds them.
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
		p.add(at+"ImageURL", "is not an absolute http or https URL; give one Genesys can fetch, or none")
	}
	p.utf8(at+"ID", c.ID)
	p.utf8(at+"Nickname", c.Nickname)
	p.utf8(at+"FirstName", c.FirstName)
	p.utf8(at+"LastName", c.LastName)
	p.utf8(at+"Email", c.Email)
}

// wire returns the customer with its id type as Genesys spells it.
func (c Customer) wire() Customer {
	c.IDType, _ = c.IDType.wire()
	return c
}

func (c Customer) size() int {
	return len(c.ID) + len(c.IDType) + len(c.Nickname) + len(c.FirstName) + len(c.LastName) + len(c.Email) + len(c.ImageURL)
}
