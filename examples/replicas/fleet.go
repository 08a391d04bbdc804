package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
)

// A fleet is the replicas, dead or alive, and the load balancer in front of them.
type fleet struct {
	start func(ctx context.Context, name string) (*process, error)
	book  *book
	http  *http.Client

	mu    sync.Mutex
	slots []*process
	born  []int
	next  int
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

// revive starts a new process in a slot whose process is gone.
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

// watch notes a replica that ends although nobody wanted it to.
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

// stop ends all replicas in peace.
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

// all are the present processes of the slots.
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

// An answer is what a replica said.
type answer struct {
	status int
	by     string
	body   []byte
}

var errNobody = errors.New("no replica listens")

// send gives a request to one replica after the other until one takes the connection, as a load balancer does. A connection that
// dies later is an error: nobody knows what the replica had done by then, so it is for the sender to repeat.
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
	return answer{}, errNobody
}

func (f *fleet) sendTo(ctx context.Context, p *process, method, path string, header http.Header, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body)) //nolint:gosec // a replica of our own
	if err != nil {
		return answer{}, err
	}
	maps.Copy(r.Header, header)
	res, err := f.http.Do(r) //nolint:gosec // a replica of our own
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
