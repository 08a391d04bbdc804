// Package integration holds the checks that need modules the SDK itself must not depend on. It is a module of its own,
// joined to the root by go.work and by a relative replace, and it ships nothing.
//
// TestContract drives every method of genesys.Client against the fake of genesystest and holds each request and each
// answer against the official definition of the Genesys Cloud API: a Swagger 2.0 file named by the environment variable
// GENESYS_OPENAPI (the official one is https://api.mypurecloud.com/api/v2/docs/swagger). Without that file it is skipped,
// and says so. The folder stores holds the contract of handover/storetest, faults and whole Managers against SQLite and, where POSTGRES_DSN
// names one, PostgreSQL; storebench measures both.
package integration
