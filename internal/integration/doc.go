// Package integration contains the checks that need modules the SDK itself must not depend on. It
// is a separate module, joined to the root by go.work and by a relative replace, and nothing
// imports it.
//
// TestContract calls every method of genesys.Client against the fake of genesystest and compares
// each request and each answer with the official definition of the Genesys Cloud API: a Swagger 2.0
// file named by the environment variable GENESYS_OPENAPI (the official one is
// https://api.mypurecloud.com/api/v2/docs/swagger). Without that file the test is skipped. Package
// stores runs the contract of handover/storetest, faults and whole Managers against SQLite and, if
// POSTGRES_DSN is set, PostgreSQL; package storebench measures both.
package integration
