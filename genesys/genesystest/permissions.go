package genesystest

import (
	"net/http"
	"strings"
)

// GuidePermissions are the four the setup guide asks for. Its "Conversation > Communication > Transfer" is the name the
// administration page shows; what the API checks is blindTransfer.
func GuidePermissions() []string {
	return []string{
		"conversation:communication:blindTransfer",
		"conversation:message:receive",
		"messaging:integration:view",
		"routing:queue:view",
	}
}

// SetPermissions changes the role at run time, as an administrator would; tokens keep working.
func (o *Org) SetPermissions(p ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.permissions = permissionSet(p)
}

func permissionSet(p []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range p {
		if strings.EqualFold(name, "conversation:communication:transfer") { // as the administration page names it
			name = "conversation:communication:blindTransfer"
		}
		set[name] = true
	}
	return set
}

// A need is what an operation asks of the role: any of the names, or all of them. None: no permission.
type need struct {
	all   bool
	names []string
}

func anyOf(names ...string) need { return need{names: names} }
func allOf(names ...string) need { return need{all: true, names: names} }

// missing names what the role lacks, nil if it has enough.
func (n need) missing(has map[string]bool) []string {
	var lack []string
	for _, name := range n.names {
		if !has[name] {
			lack = append(lack, name)
		}
	}
	if !n.all && len(lack) < len(n.names) {
		return nil
	}
	return lack
}

func (n need) refusal(lack []string) answer {
	a := failure(http.StatusForbidden, "missing.permissions",
		"The role lacks a permission this needs: {permissions}")
	if !n.all && len(n.names) > 1 {
		a = failure(http.StatusForbidden, "missing.any.permissions",
			"The role lacks every permission that would do: {permissions}")
	}
	return a.with("permissions", "["+strings.Join(lack, ", ")+"]")
}
