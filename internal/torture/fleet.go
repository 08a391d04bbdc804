package torture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A fleet is all replicas and the load balancer in front of them. A replica runs in a slot, one
// process after the other.
type fleet struct {
	start func(ctx context.Context, name string) (*process, error)
	book  *book
	http  *http.Client

	mu    sync.Mutex
	slots []*process // the present process of each slot, perhaps a dead one
	born  []int      // how many processes each slot has had
	next  int        // where the load balancer begins
}

// launch starts all replicas.
func (f *fleet) launch(ctx context.Context, n int) error {
	f.slots, f.born = make([]*process, n), make([]int, n)
	for i := range n {
		if err := f.revive(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// revive starts a new process in the slot of one that is gone.
func (f *fleet) revive(ctx context.Context, slot int) error {
	f.mu.Lock()
	f.born[slot]++
	name := fmt.Sprintf("%d.%d", slot+1, f.born[slot])
	f.mu.Unlock()
	p, err := f.start(ctx, name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.slots[slot] = p
	f.mu.Unlock()
	go f.watch(p)
	return nil
}

// watch records a problem if a replica ends without being killed or stopped.
func (f *fleet) watch(p *process) {
	<-p.exited
	if !p.ending.Load() {
		f.book.problem("replica %s ended by itself: %v", p.name, p.outcome)
	}
}

// kill kills the process of a slot, if there is one, and reports whether it did.
func (f *fleet) kill(slot int) bool {
	p := f.all()[slot]
	if p == nil || !p.alive() {
		return false
	}
	if err := p.kill(); err != nil {
		f.book.problem("replica %s could not be killed: %v", p.name, err)
		return false
	}
	f.book.died(p.name)
	return true
}

// stop shuts all replicas down.
func (f *fleet) stop() error {
	var wg sync.WaitGroup
	all := f.all()
	errs := make([]error, len(all))
	for i, p := range all {
		if p != nil && p.alive() {
			wg.Go(func() { errs[i] = p.stop() })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// all returns the present processes of all slots; nil where none was started.
func (f *fleet) all() []*process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*process(nil), f.slots...)
}

func (f *fleet) alive() (n int) {
	for _, p := range f.all() {
		if p != nil && p.alive() {
			n++
		}
	}
	return n
}

// An answer is the HTTP answer of a replica.
type answer struct {
	status int
	by     string // the name of the replica
	body   []byte
}

var errNoReplica = errors.New("no replica listens")

// send sends a request to the first replica that accepts the connection, as a load balancer does. A
// connection that breaks later is an error: what the replica has done is unknown, so the caller has
// to repeat the request.
func (f *fleet) send(ctx context.Context, method, path string, header http.Header, body []byte) (answer, error) {
	f.mu.Lock()
	f.next++
	first := f.next
	f.mu.Unlock()
	all := f.all()
	for i := range all {
		p := all[(first+i)%len(all)]
		if p == nil {
			continue
		}
		a, err := f.sendTo(ctx, p, method, path, header, body)
		if refused := (&net.OpError{}); errors.As(err, &refused) && refused.Op == "dial" {
			continue
		}
		return a, err
	}
	return answer{}, errNoReplica
}

func (f *fleet) sendTo(ctx context.Context, p *process, method, path string, header http.Header, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	maps.Copy(r.Header, header)
	res, err := f.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return answer{}, err
	}
	return answer{status: res.StatusCode, by: res.Header.Get(replicaHeader), body: content}, nil
}

// startTime is the time limit for a replica to open its store and listen.
const startTime = 30 * time.Second

// A process is a replica, seen from the parent.
type process struct {
	name    string
	url     string
	cmd     *exec.Cmd
	stdin   io.Closer
	ending  atomic.Bool   // it is being killed or stopped
	exited  chan struct{} // closed when it is gone
	outcome error         // how it ended; to be read after exited is closed
}

// startProcess starts this program again as a replica and waits until it listens.
func startProcess(ctx context.Context, a assignment, log io.Writer) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Not CommandContext: a replica ends when its input does, or is killed.
	cmd := exec.Command(self) //nolint:gosec,noctx // this very program; it does not end with a context
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
	listens := make(chan string, 1)
	go func() {
		r := bufio.NewReader(stdout)
		address, _ := r.ReadString('\n') // empty if it died; then Wait returns the reason
		listens <- strings.TrimSpace(address)
		_, _ = io.Copy(io.Discard, r)
		p.outcome = cmd.Wait()
		close(p.exited)
	}()
	if err := json.NewEncoder(stdin).Encode(a); err != nil {
		return nil, errors.Join(fmt.Errorf("replica %s: %w", a.Name, err), p.kill())
	}
	return p, p.awaitURL(ctx, listens)
}

// awaitURL waits until the process listens. If it does not, it is killed.
func (p *process) awaitURL(ctx context.Context, listens <-chan string) error {
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case p.url = <-listens:
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

// kill sends SIGKILL, so no handler runs and nothing more is written. It returns when the process
// is gone.
func (p *process) kill() error {
	p.ending.Store(true)
	err := p.cmd.Process.Kill()
	<-p.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// stop lets the process finish its work and release its leases. It kills a process that does not
// stop in time.
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
