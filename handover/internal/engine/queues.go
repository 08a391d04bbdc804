package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// queues caches the ids of queue names for queueTime, so that not every handover needs a
// lookup.
type queues struct {
	mu  sync.Mutex
	ids map[queueName]queueID
}

type queueName struct {
	account        *account.Account
	name, division string
}

type queueID struct {
	id    string
	until time.Time
}

const queueTime = 10 * time.Minute

// uuid matches a queue id. Anything else is a queue name.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// resolve returns the id of the queue that name identifies, which is a name or an id. The error
// is ErrNoQueue if no queue or several queues have the name.
func (m *Manager) resolve(ctx context.Context, k *channelState, name string) (string, error) {
	if name == "" || uuid.MatchString(name) {
		return strings.ToLower(name), nil // Genesys writes ids in lower case
	}
	return m.queueID(ctx, k, name, func(ctx context.Context, call func(context.Context) error) error {
		return k.account.Do(ctx, account.ShareReads, call)
	})
}

// queueID returns the id of the queue with a name, from the cache or with one request, which do
// performs.
func (m *Manager) queueID(
	ctx context.Context, k *channelState, name string, do func(context.Context, func(context.Context) error) error,
) (string, error) {
	key := queueName{k.account, name, k.channel.Division}
	m.queues.mu.Lock()
	known, ok := m.queues.ids[key]
	m.queues.mu.Unlock()
	if ok && m.Now().Before(known.until) {
		return known.id, nil
	}
	var q *genesys.Queue
	err := do(ctx, func(ctx context.Context) (err error) {
		q, err = k.account.Client.Routing.QueueNamed(ctx, name, k.channel.Division)
		return err
	})
	if errors.Is(err, genesys.ErrNotFound) || errors.Is(err, genesys.ErrAmbiguous) {
		return "", machine.Invalid(fmt.Errorf("%w: %w", record.ErrNoQueue, err))
	}
	if err != nil {
		return "", err
	}
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	m.queues.ids[key] = queueID{id: q.ID, until: m.Now().Add(queueTime)}
	return q.ID, nil
}

// nameTime is short, because the name of a queue is only for people and must not delay the steps
// after a read.
const nameTime = 2 * time.Second

// queueName returns the name of a queue, or "" if it cannot be read.
func (m *Manager) queueName(ctx context.Context, k *channelState, id string) string {
	ctx, cancel := m.Within(ctx, nameTime)
	defer cancel()
	var q *genesys.Queue
	err := k.account.Do(ctx, account.ShareReads, account.Uncounted(func(ctx context.Context) (err error) {
		q, err = k.account.Client.Routing.Queue(ctx, id)
		return err
	}))
	if err != nil {
		return ""
	}
	return q.Name
}

// forgetQueues clears the cache, because a transfer failed with an unknown queue.
func (m *Manager) forgetQueues() {
	m.queues.mu.Lock()
	defer m.queues.mu.Unlock()
	clear(m.queues.ids)
}
