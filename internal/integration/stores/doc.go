// Package stores tests the stores of sqlstore on real databases: the contract, what breaks, and whole Managers on them. SQLite
// needs nothing installed. PostgreSQL is tested where POSTGRES_DSN names a database in which schemas may be created, for instance
// postgres://postgres:postgres@127.0.0.1:5432/handover?sslmode=disable; each test uses a schema of its own and drops it.
package stores
