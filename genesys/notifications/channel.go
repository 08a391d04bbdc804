package notifications

import (
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const fullLife = 24 * time.Hour // of a channel, from its making or the last subscription

// A channel as an Owner stores it. URI is all one needs to listen to it.
type channel struct {
	ID      string    `json:"id"`
	URI     string    `json:"uri"`
	Created time.Time `json:"created"`
	Life    float64   `json:"life"` // in seconds, as Genesys said when it made it
}

// readChannel reads what an Owner has; ok is false if that is nothing to be used.
func readChannel(state []byte) (ch channel, ok bool) {
	if json.Unmarshal(state, &ch) != nil || ch.ID == "" || ch.URI == "" {
		return channel{}, false
	}
	return ch, true
}

func (ch channel) state() []byte {
	b, err := json.Marshal(ch)
	if err != nil { // Life is finite and Created a year of four digits, see create
		return nil
	}
	return b
}

// renewal is when to subscribe again: about half way, so that it takes hours of failures to lose the channel.
func (ch channel) renewal() time.Duration {
	life := fullLife
	if ch.Life >= time.Minute.Seconds() && ch.Life < fullLife.Seconds() {
		life = time.Duration(ch.Life * float64(time.Second))
	}
	return around(life / 2)
}

var errAddress = errors.New("notifications: Genesys gave an address for the socket that is not used: it must be wss")

// checkAddress lets through what may be dialled. Genesys gave it over an authenticated call, so its host is not doubted;
// but events must not travel in the clear, unless on this machine, or where the API does too.
func checkAddress(address string, plain bool) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return errAddress
	}
	if u.Scheme == "wss" || u.Scheme == "ws" && (plain || loopback(u.Hostname())) {
		return nil
	}
	return errAddress
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
