// Package scenario_test holds the black-box tests of handover.Manager and the kit they share: a host, a fake organisation, stores
// that fail. It uses the exported API only, so it states what a host may rely on. Files named kit_ hold no tests.
package scenario_test
