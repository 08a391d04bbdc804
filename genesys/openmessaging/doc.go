// Package openmessaging is the wire model of Genesys Cloud Open Messaging, both directions. Standard library only.
//
// Inbound is customer to Genesys, outbound is Genesys to customer, as in the Genesys documentation
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/).
//
// # Inbound
//
// [InboundMessage], [Reply], [InboundTyping] and [InboundReceipt] marshal to the bodies of the four
// /inbound/open endpoints. Writing is strict: UTC times with exactly three fraction digits and "Z", capitalised
// id types, attributes only in channel.metadata.customAttributes. Each has a Validate that reports every mistake at
// once, before Genesys answers 400 or, worse, drops an attachment without a word. They also unmarshal, so that
// fakes and stores can read them back.
//
// # Outbound
//
// [ParseOutbound] reads a webhook body. Reading is lenient: unknown fields, missing fields, empty arrays, null,
// nickName for nickname, and numbers written as strings are all accepted. Body and Content are sealed unions, so a
// type switch over them can be complete:
//
//	switch b := out.Body.(type) {
//	case openmessaging.Message: // text, content or both
//	case openmessaging.Typing: // the agent types
//	case openmessaging.Receipt: // what became of a message of ours
//	case openmessaging.UnknownBody: // newer than this version; out.Raw has it all
//	}
//
// What this version does not know, or cannot decode, becomes [UnknownBody] or [UnknownContent] and keeps its bytes;
// the rest of the message is still there. No input panics. Verify the signature (package webhook) before parsing.
//
// Everything here is a plain value without hidden state: safe to copy, and safe for concurrent reading.
package openmessaging
