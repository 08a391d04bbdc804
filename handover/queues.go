package handover

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// queues remembers the ids of queue names for a while, so that a handover does not cost a read for each.
type queues struct {
	mu  sync.Mutex
	ids map[queueName]queueID
}

type queueName struct {
	account        *account
	name, division string
}

type queueID struct {
	id    string
	until time.Time
}

const queueTime = 10 * time.Minute

// A queue id is a UUID; anything else is a name.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// resolve gives the id of a queue by name or id. A name that does not exist, or not once, is ErrNoQueue.
func (m *Manager) resolve(ctx context.Context, k *known, name string) (string, error) {
	if name == "" || uuid.MatchString(name) {
		return strings.ToLower(name), nil // as Genesys writes it
	}
	key := queueName{k.account, name, k.channel.Division}
	m.queues.mu.Lock()
	known, ok := m.queues.ids[key]
	m.queues.mu.Unlock()
	if ok && m.now().Before(known.until) {
		return known.id, nil
	}
	var q *genesys.Queue
	err := k.account.do(ctx, shareReads, func(ctx context.Context) (err error) {
		q, err = k.account.client.Routing.QueueNamed(ctx, name, k.channel.Division)
		return err
	})
	if errors.Is(err, genesys.ErrNotFound) || errors.Is(err, genesys.ErrAmbiguous) {
		return "", fmt.Errorf("%w: %w", ErrNoQueue, err)
	}
	if err != nil {
		return "", err
	}
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	m.queues.ids[key] = queueID{id: q.ID, until: m.now().Add(queueTime)}
	return q.ID, nil
}

// forgetQueues drops what is remembered: a transfer says that a queue is gone.
func (m *Manager) forgetQueues() {
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	clear(m.queues.ids)
}
