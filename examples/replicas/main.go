// Replicas is a torture test that anyone can run on their own database: several processes share one
// store, are killed with SIGKILL at random moments and started again, and nothing that was accepted
// may be lost, reordered or doubled under a new id.
//
//	go run ./examples/replicas
//	go run ./examples/replicas -store postgres -dsn "$DSN" -customers 200 -messages 30 -kills 20
//
// The parent process runs everything around the replicas: a fake Genesys Cloud with agents, the
// customers, the load balancer in front of the webhooks, the customers' channel, and the killer.
// The replicas are child processes of the same program. The README describes what is checked and
// how to read the result. The test itself is package internal/torture; this program opens its
// store.
package main

import (
	"os"

	"github.com/genesyshandover/genesyshandover/internal/torture"
)

func main() {
	os.Exit(torture.Main(os.Args[1:], os.Stdout, os.Stderr, stores()...))
}

// stores are the values of -store.
func stores() []torture.Kind {
	return []torture.Kind{
		{Name: "sqlite", Open: openSQLite, Temporary: sqliteDSN},
		{Name: "postgres", Open: openPostgres},
		{Name: "redis", Open: openRedis},
	}
}
