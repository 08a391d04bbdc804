package genesystest

import "slices"

// postReceipt is POST .../inbound/open/receipt: what became of a message of the organisation's. The definition has five
// states, the guide allows two (https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages),
// and so does this.
func (o *Org) postReceipt(c *call) answer {
	var in inReceipt
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	if wrong := checkReceipt(in); wrong != nil {
		return *wrong
	}
	via := o.addressed(c)
	if via == nil {
		return gone("integration")
	}
	to := recipient{ID: in.Channel.To.ID, IDType: in.Channel.To.IDType}
	out := outMessage{
		ID: *in.ID, Type: "Receipt", Status: *in.Status, Reasons: in.Reasons, IsFinalReceipt: in.IsFinalReceipt,
		Direction: "Outbound",
		Channel: outChannel{
			ID: via.id, Platform: "Open", Type: "Private", Time: *in.Channel.Time,
			To: to, From: recipient{ID: via.id, IDType: "Opaque"},
		},
	}
	m := o.messages[*in.ID]
	switch {
	case m == nil || m.inbound() || m.c.via != via:
		return unreceipted(out, "UnknownMessage", "There is no outbound message of this id")
	case m.c.customer.ID != to.ID:
		return unreceipted(out, "InvalidDestination", "The message went to another recipient")
	}
	o.settleReceipt(m, in)
	return answerOK(out)
}

// unreceipted is how a receipt is refused: with 200 and the status Failed.
func unreceipted(out outMessage, code, why string) answer {
	out.Status, out.Reasons, out.IsFinalReceipt = "Failed", []receiptReason{{code, why}}, new(true)
	a := answerOK(out)
	a.mistake = code + ": " + why
	return a
}

func (o *Org) settleReceipt(m *message, in inReceipt) {
	m.status, m.reason = *in.Status, ""
	if len(in.Reasons) > 0 && m.status == "Failed" {
		m.reason = in.Reasons[0].Code
	}
	m.c.remember()
	o.broadcast()
}

func checkReceipt(in inReceipt) *answer {
	var k checks
	k.present(in.ID != nil && *in.ID != "", "id")
	if k.present(in.Channel != nil, "channel") {
		k.present(in.Channel.To != nil && in.Channel.To.ID != "", "channel.to.id")
		if in.Channel.To != nil && in.Channel.To.IDType != "" {
			k.oneOf(in.Channel.To.IDType, "channel.to.idType", "Email", "Phone", "Opaque")
		}
		k.moment(in.Channel.Time, "channel.time")
	}
	if k.present(in.Status != nil, "status") {
		k.oneOf(*in.Status, "status", "Delivered", "Failed")
	}
	for _, r := range in.Reasons {
		k.present(r.Message != "", "reasons.message")
		if r.Code != "" && !slices.Contains(reasonCodes(), r.Code) {
			k.refuse("invalid.value", "reasons.code", "is %q, which is none of Genesys'", r.Code)
		}
	}
	if len(in.Reasons) > 0 && in.Status != nil && *in.Status != "Failed" {
		k.refuse("bad.request", "reasons", "belong to the status Failed only")
	}
	return k.wrong
}

func reasonCodes() []string {
	return []string{
		"MessageExpired", "RateLimited", "MessageNotAllowed", "GeneralError", "UnsupportedMessage", "UnknownMessage",
		"InvalidMessageStructure", "InvalidDestination", "ServerError", "MediaTypeNotAllowed",
		"InvalidMediaContentLength", "RecipientOptedOut", "DataFiltered",
	}
}
