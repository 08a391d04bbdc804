// Replicas is a torture test that anyone can run on their own database: several processes share one store, are killed with SIGKILL
// at random moments and started again, and nothing that was accepted may be lost, reordered or doubled under a new id.
//
//	go run ./examples/replicas
//	go run ./examples/replicas -store postgres -dsn "$POSTGRES_DSN" -replicas 3 -customers 200 -messages 30 -kills 20 -seed 7
//
// The parent process plays everything around the replicas: a fake Genesys Cloud with agents, the customers, the load balancer in
// front of the webhooks, the customers' channel, and the killer. The replicas are child processes of the same program. The README
// says what is checked and how to read the result.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// asReplica is set in the environment of child processes.
const asReplica = "GENESYSHANDOVER_EXAMPLE_REPLICA"

func main() {
	if os.Getenv(asReplica) != "" {
		os.Exit(replicaMain())
	}
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replicas:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "replicas:", err)
		os.Exit(1)
	}
}

// replicaMain is the main function of a child process.
func replicaMain() int {
	if err := runReplica(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		return 1
	}
	return 0
}
