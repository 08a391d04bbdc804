// Package scenario_test tests handover.Manager from outside and contains what these tests share: a
// host, a fake organisation, and stores that fail. It uses only the exported API, so it shows what
// a host can rely on. Most files named kit_ contain no tests.
package scenario_test
