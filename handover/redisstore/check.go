package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

// ErrUnverified is what [Store.Check] returns, wrapped, where Redis does not show its settings: CONFIG is forbidden to the
// user, or to everybody as in most managed services. It is no verdict: look the settings up where the service has them.
var ErrUnverified = errors.New("redisstore: the settings of Redis could not be verified")

// Check makes sure that the store can keep its promise: it writes, reads and removes a record beside the others, so that a
// missing permission, a replica, a wrong slot or absent replicas show at the start, and it reads the settings of the primary.
// It names every setting that makes "nothing is lost" untrue, with the fix ([errors.Join]). Settings it may not read are an
// [ErrUnverified]. It says nothing of the settings of replicas.
func (s *Store) Check(ctx context.Context) error {
	if err := s.probe(ctx); err != nil {
		return err
	}
	node, err := s.primary(ctx)
	if err != nil {
		return failed(ctx, "check", err)
	}
	var errs []error
	for _, want := range settings() {
		errs = append(errs, want.check(ctx, node))
	}
	return errors.Join(errs...)
}

// probe goes through every command the store needs. Nobody else sees the record: its keys are its own.
func (s *Store) probe(ctx context.Context) error {
	aside := *s
	aside.keys = keysUnder(s.keys.all + ":check:" + rand.Text() + ":")
	r := handover.Record{Key: handover.Customer("check"), Revision: 1, ConversationID: "check", WakeAt: time.Unix(1, 0).UTC()}
	m, err := member(r.Key)
	if err == nil {
		// Read first: to a command as long as that of a write, Redis may not even say that the password is missing.
		if _, err = aside.Get(ctx, r.Key); errors.Is(err, handover.ErrNotFound) {
			err = aside.Put(ctx, r, 0)
		}
	}
	if err == nil {
		r.Revision, r.ConversationID, r.WakeAt = 2, "", time.Time{}
		err = aside.Put(ctx, r, 1)
	}
	if err == nil {
		for _, err = range aside.All(ctx, "") {
			break
		}
	}
	if err == nil {
		err = aside.Delete(ctx, r.Key, 2)
	}
	if err == nil && s.replicas > 0 {
		_, err = s.send(ctx, "incr", s.keys.fence)
	}
	if err != nil {
		k := aside.keys
		s.client.Del(context.WithoutCancel(ctx), k.record(m), k.all, k.wake, k.conversations, k.fence) // what it can
		return fmt.Errorf("redisstore: check: a record could not be written, read and removed: %w", err)
	}
	return nil
}

// A setting of Redis and what is lost with another value.
type setting struct{ name, value, why string }

func settings() []setting {
	return []setting{
		{"appendonly", "yes", "a restart loses what came after the last snapshot"},
		{"appendfsync", "always", "a crash of the machine loses acknowledged writes, those of about a second with everysec"},
		{"no-appendfsync-on-rewrite", "no", "a crash of the machine while the AOF is rewritten loses acknowledged writes"},
		{"maxmemory-policy", "noeviction", "Redis may remove records when its memory is full"},
	}
}

func (w setting) check(ctx context.Context, node *redis.Client) error {
	got, err := node.ConfigGet(ctx, w.name).Result()
	_, answered := errors.AsType[redis.Error](err)
	switch value, shown := got[w.name]; {
	case answered:
		return fmt.Errorf("%w: CONFIG GET %s: %w: it has to be %s", ErrUnverified, w.name, err, w.value)
	case err != nil:
		return failed(ctx, "check", err)
	case !shown:
		return fmt.Errorf("%w: CONFIG GET %s says nothing: it has to be %s", ErrUnverified, w.name, w.value)
	case value != w.value:
		return fmt.Errorf("redisstore: %s is %s, so that %s: CONFIG SET %s %s, and in redis.conf", w.name, value, w.why, w.name, w.value)
	}
	return nil
}
