// Command mutants shows that the simulation finds bugs. It plants bugs in the source of the engine,
// one at a time, and runs the simulation until a check fails:
//
//	go run ./handover/internal/simulation/mutants              all of them
//	go run ./handover/internal/simulation/mutants -run ledger  only matching mechanisms or names
//	go run ./handover/internal/simulation/mutants -seeds 500   at most 500 seeds for each bug
//
// A bug is a changed source file that the compiler reads through -overlay: the files of the
// checkout do not change. For each bug the command prints how many seeds it took and the check that
// failed. It exits with status 1 if a bug survives.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const simulation = "handover/internal/simulation"

func main() {
	run := flag.String("run", "", "plant only the bugs whose mechanism/name matches this regular expression")
	seeds := flag.Int("seeds", 500, "how many seeds a bug may take")
	seed := flag.Int("seed", 1, "the first seed")
	with := flag.String("with", "", "only the seeds whose plans have all of these, see the flag of the simulation")
	parallel := flag.Int("parallel", 2, "how many bugs to look for at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := log.New(os.Stdout, "", 0)
	survivors, err := hunt(ctx, out, *run, *with, *seed, *seeds, *parallel)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	case survivors > 0:
		out.Printf("%d bugs survive", survivors)
		os.Exit(1)
	}
}

// hunt plants the bugs that match, reports each to out, and returns how many survive.
func hunt(ctx context.Context, out *log.Logger, match, with string, seed, seeds, parallel int) (survivors int32, err error) {
	pattern, err := regexp.Compile(match)
	if err != nil {
		return 0, err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return 0, err
	}
	work := make(chan mutant)
	var left atomic.Int32
	var mu sync.Mutex // of err
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for m := range work {
				began := time.Now()
				found, failure := m.find(ctx, root, with, seed, seeds)
				switch {
				case failure != nil:
					out.Printf("BROKEN   %-50s", m.name())
					mu.Lock()
					err = errors.Join(err, fmt.Errorf("%s: %w", m.name(), failure))
					mu.Unlock()
				case found == "":
					left.Add(1)
					out.Printf("SURVIVES %-50s %d seeds, %s", m.name(), seeds, time.Since(began).Round(time.Second))
				default:
					out.Printf("found    %-50s %s", m.name(), found)
				}
			}
		})
	}
	for _, m := range mutants {
		if pattern.MatchString(m.name()) && ctx.Err() == nil {
			work <- m
		}
	}
	close(work)
	wg.Wait()
	return left.Load(), err
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/genesyshandover/genesyshandover").Output()
	return strings.TrimSpace(string(out)), err
}

// find runs the simulation with the bug and returns the first seed that fails with its check, or
// "".
func (m *mutant) find(ctx context.Context, root, with string, seed, seeds int) (string, error) {
	folder, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary, err := m.build(ctx, root, folder)
	if err != nil {
		return "", err
	}
	//nolint:gosec // the command was built above
	cmd := exec.CommandContext(ctx, binary, "-test.run", "^TestSimulation$", "-test.cpu", "1", "-test.timeout", "1h",
		"-seed", strconv.Itoa(seed), "-seeds", strconv.Itoa(seeds), "-with", with, "-shrink=false")
	cmd.Dir = filepath.Join(root, simulation)
	out, err := cmd.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		return "", ctx.Err()
	}
	return firstFailure(string(out), seed), nil
}

// build compiles the simulation with the bug in its engine.
func (m *mutant) build(ctx context.Context, root, folder string) (string, error) {
	path := filepath.Join(root, "handover/internal", m.file)
	source, err := os.ReadFile(path) //nolint:gosec // it is in the list
	if err != nil {
		return "", err
	}
	changed, err := m.plant(string(source))
	if err != nil {
		return "", err
	}
	mutated, overlay, binary := filepath.Join(folder, "mutated.go"), filepath.Join(folder, "overlay.json"), filepath.Join(folder, "simulation.test")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(mutated, []byte(changed), 0o600); err != nil { //nolint:gosec // a folder of its own
		return "", err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return "", err
	}
	//nolint:gosec // all arguments are from here
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-c", "-overlay", overlay, "-o", binary, "./"+simulation)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not compile: %w\n%s", err, out)
	}
	return binary, nil
}

// failing matches what TestSimulation prints of a seed that fails.
var failing = regexp.MustCompile(`seed (\d+): ([^\n]{0,140})`)

func firstFailure(output string, first int) string {
	match := failing.FindStringSubmatch(output)
	if match == nil { // a panic that no check expects, or a history that does not end
		return "the run fails: " + strings.SplitN(strings.TrimSpace(output), "\n", 2)[0]
	}
	n, _ := strconv.Atoi(match[1])
	return fmt.Sprintf("after %3d seeds: %s", n-first+1, match[2])
}
