package torture

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// asReplica is set in the environment of child processes.
const asReplica = "GENESYSHANDOVER_EXAMPLE_REPLICA"

// Main runs the command with args, which are flags, and returns its exit code: 0 if all promises
// were kept, 1 if one was broken or the run failed, 2 if a flag is wrong. It writes one line of
// JSON to result, and everything else to screen. Without -store it uses the first of stores.
//
// The replicas are further processes of the same program. So main, and TestMain in tests, must call
// Main with the same stores: in a child process Main ignores args, reads standard input and runs a
// replica until that input ends. Ctrl-C and SIGTERM end a run and its processes.
func Main(args []string, result, screen io.Writer, stores ...Kind) int {
	if IsReplica() {
		if err := runReplica(stores, os.Stdin, result, screen); err != nil {
			_, _ = fmt.Fprintln(screen, "replica:", err)
			return 1
		}
		return 0
	}
	o, err := parse(args, screen, stores)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(screen, "replicas:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, result, screen); err != nil {
		_, _ = fmt.Fprintln(screen, "replicas:", err)
		return 1
	}
	return 0
}

// IsReplica reports whether this process is a replica that a run has started.
func IsReplica() bool { return os.Getenv(asReplica) != "" }

// options are the flags, and the stores to choose from.
type options struct {
	stores     kinds
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

func parse(args []string, help io.Writer, stores kinds) (options, error) {
	if len(stores) == 0 {
		return options{}, errors.New("torture: Main was called without a store")
	}
	o := options{stores: stores}
	f := flag.NewFlagSet("replicas", flag.ContinueOnError)
	f.SetOutput(help)
	f.StringVar(&o.store, "store", stores[0].Name, "the database: "+stores.String())
	f.StringVar(&o.dsn, "dsn", "", "where it is; "+stores[0].Name+" without it: a file in a temporary folder")
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
	kind, known := o.stores.find(o.store)
	need(known, "-store must be "+o.stores.String())
	need(!known || kind.Temporary != nil || o.dsn != "", "-dsn is required for this store")
	need(o.replicas >= 1 && o.replicas <= 64, "-replicas must be 1 to 64")
	need(o.customers >= 1 && o.customers <= 10_000, "-customers must be 1 to 10000")
	need(o.messages >= 1 && o.messages <= 10_000, "-messages must be 1 to 10000")
	need(o.kills >= 0 && o.kills <= 10_000, "-kills must be 0 to 10000")
	need(o.slow >= 0 && o.slow <= 2*time.Second, "-slow must be 0 to 2s, because the SDK stops waiting after 10")
	need(o.writing > 0, "-for must not be negative")
	return errors.Join(errs...)
}
