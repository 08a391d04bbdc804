package handover

import (
	"context"
	"errors"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// errStranger says that there is no record, and perhaps another key is meant.
var errStranger = errors.New("handover: no record of this customer")

// acceptFor edits the file of whoever a webhook is for: by the customer id, as it is or as we made it, else by the
// conversation, since an id may come back changed. If nobody is known, create makes a file.
func (m *Manager) acceptFor(ctx context.Context, channel string, o *openmessaging.Outbound, create bool, fn func(*edit) error) error {
	known := func(e *edit) error {
		if e.fresh {
			return errStranger
		}
		return fn(e)
	}
	keys := m.keysOf(ctx, channel, o)
	for _, k := range keys {
		if err := k.check(); err != nil {
			return err
		}
		if _, err := m.accept(ctx, k, known); !errors.Is(err, errStranger) {
			return err
		}
	}
	if o.ConversationID != "" {
		r, err := m.config.Store.Find(ctx, o.ConversationID)
		if err == nil && r.Key.Channel == keys[0].Channel {
			_, err = m.accept(ctx, r.Key, known)
		}
		if !errors.Is(err, errStranger) && !errors.Is(err, ErrNotFound) && (err != nil || r.Key.Channel == keys[0].Channel) {
			return err
		}
	}
	if !create {
		return nil
	}
	_, err := m.accept(ctx, keys[0], fn)
	return err
}

// keysOf lists whom a customer id may mean, the likeliest first: an id that looks like one of ours may be the host's own.
func (m *Manager) keysOf(ctx context.Context, channel string, o *openmessaging.Outbound) []Key {
	as := Key{Channel: m.channelID(channel), Customer: o.CustomerID}
	customer, _, ours := splitFrom(o.CustomerID)
	if !ours {
		return []Key{as}
	}
	split := Key{Channel: as.Channel, Customer: customer}
	if k, err := m.channel(ctx, as.Channel); err == nil && k.channel.Identity == IdentitySession {
		return []Key{split, as}
	}
	return []Key{as, split}
}
