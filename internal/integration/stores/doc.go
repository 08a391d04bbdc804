// Package stores tests sqlstore on real databases: the contract, failures, and whole Managers.
// SQLite needs no installation. The tests on PostgreSQL run if POSTGRES_DSN is set to a database in
// which schemas may be created, for example
// postgres://postgres:postgres@127.0.0.1:5432/handover?sslmode=disable. Each test creates a schema
// and drops it.
package stores
