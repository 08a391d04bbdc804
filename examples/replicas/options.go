package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// options are the flags.
type options struct {
	store, dsn string
	replicas   int
	customers  int
	messages   int
	kills      int
	seed       uint64
	writing    time.Duration
	slow       time.Duration
	restart    string
	verbose    bool
}

func parse(args []string, help io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("replicas", flag.ContinueOnError)
	f.SetOutput(help)
	f.StringVar(&o.store, "store", storeSQLite, "the database: sqlite, postgres or redis")
	f.StringVar(&o.dsn, "dsn", "", "where it is; sqlite without it: a file in a temporary folder")
	f.IntVar(&o.replicas, "replicas", 3, "processes that share the store")
	f.IntVar(&o.customers, "customers", 24, "customers who write at the same time")
	f.IntVar(&o.messages, "messages", 10, "messages of each customer; agents answer most of them")
	f.IntVar(&o.kills, "kills", 6, "processes to kill with SIGKILL")
	f.Uint64Var(&o.seed, "seed", 1, "of all that is random: who is killed and when, pauses, early ends")
	f.DurationVar(&o.writing, "for", 0, "how long the customers write at least; 0: 3 s a kill, 30 s at least")
	f.DurationVar(&o.slow, "slow", 150*time.Millisecond,
		"how long Genesys and the customers' channel take for an answer, in the mean: the longer, the more a kill interrupts")
	f.StringVar(&o.restart, "restart", "", "a shell command to run once in the middle, such as one that restarts the database")
	f.BoolVar(&o.verbose, "v", false, "show the log of the replicas")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: there are only flags", f.Arg(0))
	}
	if o.writing == 0 {
		o.writing = max(30*time.Second, time.Duration(o.kills)*3*time.Second)
	}
	return o, o.validate()
}

func (o options) validate() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	need(o.store == storeSQLite || o.store == storePostgres || o.store == storeRedis, "-store must be sqlite, postgres or redis")
	need(o.store == storeSQLite || o.dsn != "", "-dsn is required for this store")
	need(o.replicas >= 1 && o.replicas <= 64, "-replicas must be 1 to 64")
	need(o.customers >= 1 && o.customers <= 10_000, "-customers must be 1 to 10000")
	need(o.messages >= 1 && o.messages <= 10_000, "-messages must be 1 to 10000")
	need(o.kills >= 0 && o.kills <= 10_000, "-kills must be 0 to 10000")
	need(o.slow >= 0 && o.slow <= 2*time.Second, "-slow must be 0 to 2s, since the SDK gives up after 10")
	need(o.writing > 0, "-for must not be negative")
	return errors.Join(errs...)
}
