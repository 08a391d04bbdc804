package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// startTime is for a replica to open its store and listen.
const startTime = 30 * time.Second

// A process is a replica, seen from the parent.
type process struct {
	name    string
	url     string
	cmd     *exec.Cmd
	stdin   io.Closer
	ending  atomic.Bool   // its end is wanted
	exited  chan struct{} // closed when it is gone
	outcome error         // readable then
}

// startProcess starts this program again as a replica and waits until it listens.
func startProcess(ctx context.Context, a assignment, log io.Writer) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Not CommandContext: a replica ends by its input, or by the killer.
	cmd := exec.Command(self) //nolint:gosec,noctx // this very program; its life is not that of a context
	cmd.Env = append(os.Environ(), asReplica+"=1")
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: a.Name, cmd: cmd, stdin: stdin, exited: make(chan struct{})}
	said := make(chan string, 1)
	go func() {
		r := bufio.NewReader(stdout)
		address, _ := r.ReadString('\n') // empty if it died, and then Wait knows why
		said <- strings.TrimSpace(address)
		_, _ = io.Copy(io.Discard, r)
		p.outcome = cmd.Wait()
		close(p.exited)
	}()
	if err := json.NewEncoder(stdin).Encode(a); err != nil {
		return nil, errors.Join(fmt.Errorf("replica %s: %w", a.Name, err), p.kill())
	}
	return p, p.listening(ctx, said)
}

func (p *process) listening(ctx context.Context, said <-chan string) error {
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case p.url = <-said:
		if p.url != "" {
			return nil
		}
		<-p.exited
		return fmt.Errorf("replica %s did not start: %w", p.name, p.outcome)
	case <-timer.C:
		return errors.Join(fmt.Errorf("replica %s does not listen after %v", p.name, startTime), p.kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.kill())
	}
}

// kill is SIGKILL: no handler runs, no connection is closed in order, nothing more is written. It returns when the process is gone.
func (p *process) kill() error {
	p.ending.Store(true)
	err := p.cmd.Process.Kill()
	<-p.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// stop ends the process in peace: it finishes what it does and hands its leases back.
func (p *process) stop() error {
	p.ending.Store(true)
	_ = p.stdin.Close() // also closed by Wait
	timer := time.NewTimer(2 * shutdownTime)
	defer timer.Stop()
	select {
	case <-p.exited:
		return p.outcome
	case <-timer.C:
		return errors.Join(fmt.Errorf("replica %s does not stop", p.name), p.kill())
	}
}

// alive reports whether the process runs.
func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}
