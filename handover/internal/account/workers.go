package account

import (
	"context"
)

// TakeSlot takes a slot of the account, if one is free.
func (a *Account) TakeSlot() bool {
	select {
	case <-a.Slots:
		return true
	default:
		return false
	}
}

// SlotKey is the key of the account whose slot the effect of a context holds.
type SlotKey struct{}

// holdsSlot reports whether the effect of a context holds a slot of the account.
func (a *Account) holdsSlot(ctx context.Context) bool {
	held, _ := ctx.Value(SlotKey{}).(*Account)
	return held == a
}
