package notifications

import (
	"context"
	"errors"
	"sync"
	"time"
)

// judge takes what Genesys said to a subscription.
func (t *term) judge(ctx context.Context, verdicts []verdict, err error) error {
	if err != nil {
		if unusable(err, t.found) {
			t.forget()
		}
		return err
	}
	rejected := map[Topic]struct{}{}
	for _, v := range verdicts {
		if v.rejected() {
			rejected[v.ID] = struct{}{}
		}
	}
	var all error
	if len(rejected) >= len(t.l.topics) {
		all = errAllRejected
	}
	for _, v := range verdicts {
		_, now := rejected[v.ID]
		_, before := t.l.rejected[v.ID]
		switch {
		case now && !before:
			t.l.tell(ctx, Event{Kind: Rejected, Topic: v.ID, Permissions: v.Permissions, Reason: v.Reason})
		case before && !now:
			t.l.tell(ctx, Event{Kind: Permitted, Topic: v.ID})
			t.hints.missed()
		}
	}
	t.l.rejected = rejected
	t.subscribed = all == nil
	t.renewal = time.Now().Add(t.channel.renewal())
	if len(rejected) > 0 {
		t.renewal = time.Now().Add(around(rejectedPause))
	}
	return all
}

// watch returns why the socket is of no use any more. Meanwhile it renews the channel.
func (t *term) watch(ctx context.Context, s *socket) error {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	defer renewing.Wait()
	defer cancel()
	type answer struct {
		verdicts []verdict
		err      error
	}
	answers := make(chan answer, 1)
	renew := time.NewTimer(time.Until(t.renewal))
	defer renew.Stop()
	quiet := time.NewTimer(pingAfter)
	defer quiet.Stop()
	var retry backoff
	for pinged := false; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.done:
			return s.err
		case <-s.closing:
			return errClosing
		case <-s.heard:
			pinged = false
			quiet.Reset(pingAfter)
		case <-quiet.C:
			if pinged {
				return errSilent
			}
			pinged = true
			s.ping(ctx)
			quiet.Reset(silentAfter)
		case <-renew.C:
			id := t.channel.ID
			renewing.Go(func() {
				verdicts, err := t.l.api.subscribe(ctx, id, t.l.topics)
				answers <- answer{verdicts, err}
			})
		case a := <-answers:
			err := t.judge(ctx, a.verdicts, a.err)
			switch {
			case err == nil:
				retry.reset()
				t.l.tell(ctx, Event{Kind: Renewed})
				renew.Reset(time.Until(t.renewal))
			case errors.Is(err, errAllRejected):
				return err
			case t.channel.ID == "":
				return errGone
			default:
				t.l.tell(ctx, Event{Kind: Failed, Err: err})
				renew.Reset(retry.next(err))
			}
		}
	}
}
