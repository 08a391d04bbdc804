package genesys

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// An OpenMessagingService posts the customer's messages, events and receipts. Every method needs
// the permission conversation:message:receive and a client-credentials token; Genesys refuses user
// tokens.
//
// See https://developer.genesys.cloud/commdigital/digital/openmessaging/
type OpenMessagingService struct{ c *core }

// A SendRequest is one message of a customer.
type SendRequest struct {
	IntegrationID string
	Message       openmessaging.InboundMessage

	// PrefetchConversationID asks for the conversation's id in the answer. Whether Genesys then
	// always states it, and how long that takes, is UNCERTAIN.
	PrefetchConversationID bool
}

// A SendResult is Genesys' answer to a message.
type SendResult struct {
	// Genesys' id of the message, not the one sent; never a conversation id. May be empty.
	MessageID      string
	ConversationID string // may be empty, see SendRequest.PrefetchConversationID

	// Date is the time of the answer by Genesys' clock, cut to the second. Zero if the answer has
	// none.
	Date time.Time
}

// Send posts a customer's message, which opens a conversation or joins the current one. The message
// is validated first, so that one that Genesys would refuse costs no request.
//
// It is not retried once it may have arrived, because whether Genesys drops a repeat is UNCERTAIN.
// If [EffectOf] returns EffectUnknown, send it again with the same MessageID and the same Time.
//
// See https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundMessages
func (s *OpenMessagingService) Send(ctx context.Context, r SendRequest) (*SendResult, error) {
	const op = "openmessaging.send"
	if err := r.Message.Validate(); err != nil {
		return nil, invalid(op, err)
	}
	q := url.Values{}
	if r.PrefetchConversationID {
		q.Set("prefetchConversationId", "true")
	}
	return s.post(ctx, Request{Op: op, Path: inbound(r.IntegrationID, "message"), Query: q, Body: r.Message})
}

// SendReply posts a customer's answer to a structured message: a button, a quick reply, a picked
// date. It always joins an existing conversation. Errors and retries are those of Send.
func (s *OpenMessagingService) SendReply(ctx context.Context, integrationID string, r openmessaging.Reply) (*SendResult, error) {
	const op = "openmessaging.reply"
	if err := r.Validate(); err != nil {
		return nil, invalid(op, err)
	}
	return s.post(ctx, Request{Op: op, Path: inbound(integrationID, "structured", "response"), Body: r})
}

// SendTyping shows the agent that the customer is typing. Genesys ignores it unless typing is
// enabled in a platform configuration profile of the integration. It may open a conversation
// (UNCERTAIN), so do not send it before the first message. It is not retried after a 5xx, because
// it would be out of date.
//
// See https://help.mypurecloud.com/articles/platform-configuration-profiles-overview/
func (s *OpenMessagingService) SendTyping(ctx context.Context, integrationID string, t openmessaging.InboundTyping) error {
	return s.c.do(ctx, Request{
		Op: "openmessaging.typing", Method: http.MethodPost, Path: inbound(integrationID, "event"), Body: t,
	}, nil)
}

// SendReceipt reports whether an outbound message was Delivered or Failed, the two states that the
// guide allows. It is retried, because a repeat is harmless.
//
// Genesys may answer 2xx with a body that says that the receipt itself failed. This is an *[Error]
// with Code "receipt.failed" and EffectRefused; its Message has the reasons.
//
// See https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages
func (s *OpenMessagingService) SendReceipt(ctx context.Context, integrationID string, r openmessaging.InboundReceipt) error {
	const op = "openmessaging.receipt"
	if err := r.Validate(); err != nil {
		return invalid(op, err)
	}
	var answer struct {
		Status  string `json:"status"`
		Reasons []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"reasons"`
	}
	err := s.c.do(ctx, Request{
		Op: op, Method: http.MethodPost, Path: inbound(integrationID, "receipt"), Body: r, Idempotent: true,
	}, &answer)
	failed := strings.EqualFold(answer.Status, string(openmessaging.StatusFailed))
	// A Failed receipt is echoed as Failed.
	if err != nil || !failed || r.Status == openmessaging.StatusFailed {
		return err
	}
	e := &Error{Op: op, StatusCode: http.StatusOK, Code: codeReceiptFailed, hint: "Genesys accepted the request but not the receipt"}
	var codes, sentences []string
	for _, reason := range answer.Reasons {
		if code := token(reason.Code, 100); code != "" {
			codes = append(codes, code)
		}
		sentences = append(sentences, strings.Trim(reason.Code+": "+reason.Message, ": "))
	}
	e.Message = strings.Join(sentences, "; ")
	if len(codes) > 0 {
		e.hint += ": " + strings.Join(codes, ", ")
	}
	return e
}

func (s *OpenMessagingService) post(ctx context.Context, r Request) (*SendResult, error) {
	var answer struct {
		ID             string `json:"id"`
		ConversationID string `json:"conversationId"`
	}
	r.Method = http.MethodPost
	call, err := s.c.call(ctx, r, &answer)
	if err != nil {
		return nil, err
	}
	return &SendResult{MessageID: answer.ID, ConversationID: answer.ConversationID, Date: call.Date}, nil
}

func inbound(integrationID string, kind ...string) []string {
	return append([]string{"conversations", "messages", integrationID, "inbound", "open"}, kind...)
}
