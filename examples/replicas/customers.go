package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// The pause of a customer whose message was not accepted doubles up to the last one.
const (
	firstAgain = 50 * time.Millisecond
	lastAgain  = time.Second
)

// A customer writes one message after the other, each until a replica has accepted it.
type customer struct {
	id    string
	n     int           // messages
	think time.Duration // between them, in the mean
	rand  *rand.Rand
	fleet *fleet
	book  *book
}

// writeAll lets all customers write and returns when all is accepted, or ctx has ended.
func (s *stage) writeAll(ctx context.Context) {
	var wg sync.WaitGroup
	for _, id := range s.customers() {
		c := customer{
			id: id, n: s.opt.messages, think: s.opt.writing / time.Duration(s.opt.messages),
			rand: s.rand(id), fleet: s.fleet, book: s.book,
		}
		wg.Go(func() { c.write(ctx) })
	}
	wg.Wait()
}

// customers are their ids.
func (s *stage) customers() []string {
	ids := make([]string, s.opt.customers)
	for i := range ids {
		ids[i] = fmt.Sprintf("c%04d", i+1)
	}
	return ids
}

func (c *customer) write(ctx context.Context) {
	for n := range c.n {
		if !pause(ctx, time.Duration(c.rand.Int64N(int64(2*c.think)+1))) {
			return
		}
		l := line{text: marker(byCustomer, c.id, n), lane: c.id, n: n, began: time.Now()}
		c.book.wrote(l)
		if !c.send(ctx, submission{ID: fmt.Sprintf("%s-%d", c.id, n), Text: l.text}) {
			return
		}
	}
}

// send repeats a message, with the same id, until a replica answers 200.
func (c *customer) send(ctx context.Context, m submission) bool {
	header := http.Header{"Content-Type": {"application/json"}}
	wait := firstAgain
	for ; ; m.Try++ {
		body, err := json.Marshal(m)
		if err != nil {
			c.book.problem("a message cannot be encoded: %v", err)
			return false
		}
		a, err := c.fleet.send(ctx, http.MethodPost, "/customers/"+c.id+"/messages", header, body)
		if err == nil && a.status == http.StatusOK {
			c.book.accept(m.Text, a.by)
			return true
		}
		if !pause(ctx, wait) {
			return false
		}
		wait = min(2*wait, lastAgain)
	}
}
