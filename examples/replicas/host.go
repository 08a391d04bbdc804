package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A host is the program that embeds the SDK in a replica. Its bot has no answers: it asks for an agent at once.
type host struct {
	name    string
	desk    *handover.Manager
	channel *caller // of the customers
}

// handOvers is how often a message may ask for an agent while sessions end under its feet.
const handOvers = 3

// hear takes a customer's message. 200 means that it is stored; anything else, that the customer has to send it again.
func (h *host) hear(w http.ResponseWriter, r *http.Request) {
	var s submission
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&s); err != nil {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	turn, err := h.forward(r.Context(), handover.Customer(r.PathValue("customer")), s)
	if err == nil && turn != handover.TurnAgent {
		err = errors.New("the session ended again and again")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// forward gives the message to the agents. Where the bot has the turn nothing was stored: it asks for an agent and forwards again,
// with the same id. A repeat after a crash between the two finds the session open and stores the message once.
func (h *host) forward(ctx context.Context, k handover.Key, s submission) (handover.Turn, error) {
	for n := range handOvers {
		turn, err := h.desk.Forward(ctx, k, handover.Text(s.ID, s.Text))
		if err != nil || turn == handover.TurnAgent {
			return turn, err
		}
		id := fmt.Sprintf("%s/%d.%d", s.ID, s.Try, n)
		_, err = h.desk.HandOver(ctx, k, handover.Request{ID: id, Summary: opening + " " + k.Customer + " " + id})
		if err != nil {
			return turn, err
		}
	}
	return h.desk.Forward(ctx, k, handover.Text(s.ID, s.Text))
}

// show says where a customer stands.
func (h *host) show(w http.ResponseWriter, r *http.Request) {
	k := handover.Customer(r.PathValue("customer"))
	session, err := h.desk.Session(r.Context(), k)
	if err != nil && !errors.Is(err, handover.ErrNotFound) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	turn, err := h.desk.Turn(r.Context(), k)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	body, err := json.Marshal(standing{Session: session.ID, State: session.State, Turn: turn})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

// recheck takes a signal.
func (h *host) recheck(w http.ResponseWriter, r *http.Request) {
	if err := h.desk.Recheck(r.Context(), r.PathValue("conversation")); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (h *host) deliver(ctx context.Context, d handover.Delivery) error {
	return h.channel.post(ctx, "/deliver", delivered{ID: d.ID, Text: d.Message.Text, OutOfOrder: d.OutOfOrder})
}

func (h *host) handBack(ctx context.Context, r handover.Return) error {
	back := handedBack{ID: r.ID, Session: r.Session.ID}
	for _, u := range r.Unanswered {
		back.Texts = append(back.Texts, u.Text)
	}
	return h.channel.post(ctx, "/return", back)
}

func (h *host) notify(ctx context.Context, n handover.Notice) error {
	return h.channel.post(ctx, "/notify", noticed{Session: n.Session.ID})
}

// callTime is for one call between processes. The SDK itself gives a callback 10 seconds.
const callTime = 10 * time.Second

// A caller posts JSON to another process.
type caller struct {
	http *http.Client
	base string
	name string
}

func (c *caller) post(ctx context.Context, path string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(replicaHeader, c.name)
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the customers' channel answered %d", res.StatusCode)
	}
	return nil
}
