package integration_test

import (
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/internal/integration/contract"
)

// A ledger collects the coverage of all scenarios.
type ledger struct {
	definition *contract.Definition
	mu         sync.Mutex
	coverage   *contract.Coverage
}

// check compares exchanges with the definition.
func (l *ledger) check(exchanges []contract.Exchange) []contract.Violation {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []contract.Violation
	for _, e := range exchanges {
		found = append(found, l.definition.Check(e, l.coverage)...)
	}
	return found
}

// TestContract calls every method of the client against the fake, and compares every request and
// every answer with the definition of the Genesys Cloud API that GENESYS_OPENAPI names.
func TestContract(t *testing.T) {
	t.Parallel()
	path := os.Getenv("GENESYS_OPENAPI")
	if path == "" {
		t.Skip("NOT CHECKED: the contract with Genesys Cloud. Set GENESYS_OPENAPI to the file of the API definition, " +
			"Swagger 2.0, from https://api.mypurecloud.com/api/v2/docs/swagger")
	}
	definition, err := contract.Load(path, contract.Genesys())
	require.NoError(t, err)
	l := &ledger{definition: definition, coverage: contract.NewCoverage()}
	t.Cleanup(func() { l.conclude(t) }) // when all scenarios are through

	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { s.run(t, l) })
		})
	}
}

// conclude prints the coverage and fails for anything that was not exercised.
func (l *ledger) conclude(t *testing.T) {
	t.Helper()
	t.Logf("exercised against the definition:\n%s", l.coverage)
	for _, d := range contract.Genesys() {
		t.Logf("deviation: %s: %s (%s)", d.Name, d.Reason, d.Source)
	}
	listed := []string{tokenEndpoint}
	for method, operations := range methods() {
		for _, op := range operations {
			listed = append(listed, op)
			if !l.definition.Has(op) {
				t.Errorf("%s: the definition has no %s", method, op)
			} else if !l.coverage.Succeeded(op) {
				t.Errorf("%s: %s was never exercised with success", method, op)
			}
		}
	}
	for _, op := range l.coverage.Operations() {
		if !slices.Contains(listed, op) {
			t.Errorf("%s is called, but methods does not list it", op)
		}
	}
	for _, property := range sentProperties() {
		if !l.coverage.Sent(property) {
			t.Errorf("the property %s was never sent", property)
		}
	}
	for _, status := range errorStatuses() {
		if !l.coverage.Failed(status) {
			t.Errorf("no answer %d was checked", status)
		}
	}
}

// A scenario runs against its organisation in virtual time.
type scenario struct {
	options []genesystest.Option
	play    func(*stage)
}

func (s scenario) run(t *testing.T, l *ledger) {
	t.Helper()
	org := genesystest.New(t, s.options...)
	recorder := contract.NewRecorder(org.HTTPClient().Transport)
	channel := org.Channel()
	client, err := genesys.New(channel.Region, genesys.ClientCredentials(channel.ClientID, channel.ClientSecret.Reveal()),
		genesys.WithHTTPClient(&http.Client{Transport: recorder}))
	require.NoError(t, err)
	s.play(&stage{t: t, org: org, client: client, channel: channel})
	for _, v := range l.check(recorder.Exchanges()) {
		t.Error(v)
	}
}

// A stage contains the organisation and the client of a scenario.
type stage struct {
	t       *testing.T
	org     *genesystest.Org
	client  *genesys.Client
	channel handover.Channel
}
