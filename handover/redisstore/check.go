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

// ErrUnverified is the error of [Store.Check] if Redis does not show its settings, because CONFIG
// is forbidden to the user or, as in most managed services, disabled. The settings may be right:
// check them in the console of the service.
var ErrUnverified = errors.New("redisstore: the settings of Redis could not be verified")

// Check tests the store when a host starts. It writes, finds and removes a record under separate
// keys, so that a missing permission, a read-only replica, a wrong slot or missing replicas cause
// an error at the start. It also reads the settings of the primary, and returns an error with the
// fix for each one that loses data ([errors.Join]). If it may not read a setting, the error is
// [ErrUnverified]. It does not check the settings of replicas.
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

// probe uses every command that the store needs, under keys that no other store uses.
func (s *Store) probe(ctx context.Context) error {
	aside := *s
	aside.keys = keysUnder(s.keys.all + ":check:" + rand.Text() + ":")
	r := handover.Record{Key: handover.Customer("check"), Revision: 1, ConversationID: "check", WakeAt: time.Unix(1, 0).UTC()}
	m, err := member(r.Key)
	if err == nil {
		// Read first: Redis may close the connection during a long command of a client without
		// password, instead of answering.
		if _, err = aside.Get(ctx, r.Key); errors.Is(err, handover.ErrNotFound) {
			err = aside.Put(ctx, r, 0)
		}
	}
	if err == nil {
		_, err = aside.Find(ctx, r.Key.Channel, r.ConversationID)
	}
	if err == nil {
		_, err = aside.Due(ctx, handover.DueQuery{Now: r.WakeAt, Limit: 1})
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
		// As far as it can.
		_ = s.client.Del(context.WithoutCancel(ctx), k.record(m), k.all, k.due, k.conversations+"check", k.fence)
		return fmt.Errorf("redisstore: check: a record could not be written, read and removed: %w", err)
	}
	return nil
}

// A setting of Redis, and what another value loses.
type setting struct{ name, value, why string }

func settings() []setting {
	return []setting{
		{"appendonly", "yes", "a restart loses all writes after the last snapshot"},
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
		return fmt.Errorf("%w: CONFIG GET %s: %w: it must be %s", ErrUnverified, w.name, err, w.value)
	case err != nil:
		return failed(ctx, "check", err)
	case !shown:
		return fmt.Errorf("%w: CONFIG GET %s returns nothing: it must be %s", ErrUnverified, w.name, w.value)
	case value != w.value:
		return fmt.Errorf("redisstore: %s is %s: %s: use CONFIG SET %s %s, and set it in redis.conf", w.name, value, w.why, w.name, w.value)
	}
	return nil
}
