package genesystest

import "context"

// Signal is called with the conversation id whenever something in a conversation changed (a participant came, left or
// changed state), as EventBridge or a trigger would: give it a Manager's Recheck. It runs in a goroutine of its own with a
// context that ends with the organisation; its error is ignored, as nobody would see it at Genesys. Each call of Signal
// adds a listener. DisturbSignals lets calls be lost, doubled and late.
func (o *Org) Signal(f func(ctx context.Context, conversationID string) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.signals = append(o.signals, f)
}

// touch notes a change of c: for stale reads, for those who wait, for signals and notifications. Call it with the lock.
func (o *Org) touch(c *Conversation) {
	c.remember()
	o.broadcast()
	for _, f := range o.signals {
		o.carry(func() { o.spawn(func(ctx context.Context) { _ = f(ctx, c.id) }) })
	}
	o.notify(c)
}
