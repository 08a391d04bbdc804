package genesys

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// MaxBulkMessages bounds one call of [ConversationsService.Messages]. Genesys documents no limit (UNCERTAIN); this keeps an answer
// of long texts readable.
const MaxBulkMessages = 50

// A StoredMessage is a message of a conversation as Genesys keeps it.
type StoredMessage struct {
	ID       string // as a read of the conversation lists it
	Outbound bool   // to the customer
	Time     time.Time
	Status   string // as in [MessageRef]

	// Message is what the webhook posted, or would have. That its ID is the webhook's is INFERENCE. Its Body may be unknown.
	Message openmessaging.Outbound
}

// Messages reads messages of a conversation by the ids that [ConversationsService.Get] lists, oldest first. What Genesys does
// not know is left out, without an error. At most [MaxBulkMessages] ids; none sends nothing. A repeat is harmless and made.
//
// It needs conversation:message:view (or conversation:webmessaging:view), which is not among the four permissions of the setup
// guide. Errors: [ErrForbidden] with the missing permission, [ErrNotFound].
func (s *ConversationsService) Messages(ctx context.Context, conversationID string, ids []string) ([]StoredMessage, error) {
	const op = "conversations.messages"
	switch {
	case len(ids) == 0:
		return nil, nil
	case len(ids) > MaxBulkMessages:
		return nil, invalid(op, fmt.Errorf("%d ids, the limit is %d: ask for them in parts", len(ids), MaxBulkMessages))
	case slices.Contains(ids, ""):
		return nil, invalid(op, errors.New("an id is empty"))
	}
	var answer struct {
		Entities []wireStored `json:"entities"`
	}
	err := s.c.do(ctx, Request{
		Op: op, Method: http.MethodPost, Idempotent: true, Path: messages(conversationID, "messages", "bulk"), Body: ids,
	}, &answer)
	if err != nil {
		return nil, err
	}
	list := make([]StoredMessage, 0, len(answer.Entities))
	for _, w := range answer.Entities {
		list = append(list, w.stored())
	}
	slices.SortStableFunc(list, func(a, b StoredMessage) int { return a.Time.Compare(b.Time) })
	return list, nil
}

type wireStored struct {
	ID         string          `json:"id"`
	Direction  string          `json:"direction"`
	Timestamp  wireTime        `json:"timestamp"`
	Status     string          `json:"status"`
	Normalized json.RawMessage `json:"normalizedMessage"`
}

// stored reads leniently: a message that cannot be read is of no known kind, and hides no other.
func (w wireStored) stored() StoredMessage {
	m := StoredMessage{ID: w.ID, Time: w.Timestamp.Time, Status: w.Status, Outbound: strings.EqualFold(w.Direction, "outbound")}
	var err error
	if m.Message, err = openmessaging.ParseOutbound(w.Normalized); err != nil {
		m.Message = openmessaging.Outbound{Body: openmessaging.UnknownBody{}}
	}
	m.Message.ID = cmp.Or(m.Message.ID, m.ID)
	if m.Message.Time.IsZero() {
		m.Message.Time = m.Time
	}
	return m
}
