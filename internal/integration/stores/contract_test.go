package stores_test

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
	"github.com/genesyshandover/genesyshandover/handover/storetest"
)

func TestContractSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		return migrated(t, openSQLite(t, sqliteFile(t)), sqlstore.SQLite)
	})
}

// A pool of one connection: a call that needs a second one waits forever.
func TestContractSQLiteOneConnection(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		db := openSQLite(t, sqliteFile(t))
		db.SetMaxOpenConns(1)
		return migrated(t, db, sqlstore.SQLite)
	})
}

func TestContractPostgres(t *testing.T) {
	t.Parallel()
	contractPostgres(t, "application_name", "storetest")
}

// Every transaction is serializable, which is a setting of a server or a role: writers of one
// record fail with 40001 and are retried.
func TestContractPostgresSerializable(t *testing.T) {
	t.Parallel()
	contractPostgres(t, "default_transaction_isolation", "serializable")
}

// Without prepared statements, as behind a pooler that uses another connection for each
// transaction.
func TestContractPostgresSimpleProtocol(t *testing.T) {
	t.Parallel()
	contractPostgres(t, "default_query_exec_mode", "simple_protocol")
}

func contractPostgres(t *testing.T, parameter, value string) {
	t.Helper()
	postgres(t)
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		db := open(t, "pgx", with(t, schema(t), parameter, value))
		db.SetMaxOpenConns(16) // a server has about a hundred for all clients
		return migrated(t, db, sqlstore.Postgres)
	})
}
