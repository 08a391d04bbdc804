// Package openmessaging has the messages of Genesys Cloud Open Messaging as Go values, in both
// directions. It imports only the standard library and sends no request.
//
// Inbound is from the customer to Genesys, outbound is from Genesys to the customer, as in the
// Genesys documentation (https://developer.genesys.cloud/commdigital/digital/openmessaging/).
//
// # Inbound
//
// [InboundMessage], [Reply], [InboundTyping] and [InboundReceipt] marshal to the bodies of the
// four /inbound/open endpoints. Writing is strict: times are UTC with exactly three fraction
// digits and "Z", id types are capitalized, and attributes are only in
// channel.metadata.customAttributes. Each type has a Validate method that reports every mistake
// at once, before Genesys answers 400 or drops an attachment without an error. The types also
// unmarshal, so that fakes and stores can read them.
//
// # Outbound
//
// [ParseOutbound] reads a webhook body. Reading is lenient: it accepts unknown fields, missing
// fields, empty arrays, null, nickName for nickname, and numbers written as strings. Body and
// Content are sealed interfaces, so a type switch over them can be complete:
//
//	switch b := out.Body.(type) {
//	case openmessaging.Message: // text, content or both
//	case openmessaging.Typing: // the agent is typing
//	case openmessaging.Receipt: // the status of a message sent to Genesys
//	case openmessaging.UnknownBody: // unknown to this version; see out.Raw
//	}
//
// A part that this version does not know or cannot decode becomes an [UnknownBody] or
// [UnknownContent] and keeps its bytes. The rest of the message is still read.
//
// # What the package promises
//
// No input causes a panic, and no error text contains input. Every type is a plain value: it is
// safe to copy and safe for concurrent reading. Verify the signature (package webhook) before
// parsing.
package openmessaging
