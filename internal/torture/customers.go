package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// The pause before a message that was not accepted is sent again. It doubles up to lastAgain.
const (
	firstAgain = 50 * time.Millisecond
	lastAgain  = time.Second
)

// A customer writes one message after the other. It repeats each until a replica accepts it.
type customer struct {
	id    string
	n     int           // messages
	think time.Duration // mean pause between them
	rand  *rand.Rand
	fleet *fleet
	book  *book
}

// writeAll runs all customers. It returns when all their messages are accepted, or ctx ends.
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

// customers returns the ids of all customers.
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
		l := line{text: marker(byCustomer, c.id, n), customer: c.id, n: n, began: time.Now()}
		c.book.customerWrote(l)
		if !c.send(ctx, submission{ID: fmt.Sprintf("%s-%d", c.id, n), Text: l.text}) {
			return
		}
	}
}

// send sends a message, with the same id each time, until a replica answers 200. It returns false
// if ctx ended before.
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
