// Package webhook verifies and reads what Genesys Cloud posts: Open Messaging notifications, and the signals that
// something changed in a conversation. It needs the standard library and the wire model, nothing else.
//
// # Open Messaging notifications
//
// An Open Messaging integration has one webhook URL and one secret. Genesys signs every post: the header
// X-Hub-Signature-256 is "sha256=" and the padded standard base64 (not hex) of the HMAC-SHA256 of the raw body
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html). A [Verifier] is bound to one
// [Endpoint]: its secrets and its integration. [Verifier.Open] verifies, then reads, then compares: nothing is decoded
// before it is verified, and a body that is signed with the right secret but names another integration is refused, so
// that one tenant's secret cannot speak for another. [NewHandler] puts it behind net/http; where there is no net/http
// (AWS Lambda, a queue), call Open with the header value and the raw bytes.
//
// There is no switch that turns verification off. Tests sign with [Sign].
//
// # What a signature does not say
//
//   - When. Neither time nor nonce is signed, so a post that was recorded once can be posted again at any time. Keep the
//     ids of what was handled: handover.Manager does.
//   - How often. Genesys delivers at least once: after a timeout, a 429 or a 5xx it posts the same id again, up to five
//     times, five seconds apart, and it waits ten seconds for each answer.
//   - In what order. No order is documented (UNCERTAIN); with a retry in between, messages overtake each other.
//   - Who wrote it. It says Genesys; who is in the body (openmessaging.Outbound.Origin) is Genesys' word.
//   - That the post is fresh, complete in number, or confidential. TLS ends where the host ends it.
//
// Nothing outside the signed bytes is read: not the Content-Type, no query, no form. The only things that matter before
// the signature are the method, the size, and what a [Keyring] looks at to find the verifier (path, host).
//
// # Answers
//
//	200  the callback returned nil in time: Genesys forgets the message
//	400  verified, but not readable; or the body broke off
//	401  not signed, signed with another secret, or signed for another integration
//	404  no such channel
//	405  not a POST
//	413  larger than the limit
//	503  the callback or the keyring failed, panicked, or ran out of time: Genesys tries again
//
// Genesys repeats only after 429, 5xx and timeouts; a 4xx loses the message, and a developer reports that it ended the
// whole chat (https://developer.genesys.cloud/forum/t/openmessage-need-to-either-disable-input-or-inform-agent-message-didnt-go-through/30668).
// So whatever may be well in five seconds is 503. Answers have no body.
//
// # Signals
//
// [NewSignalHandler] takes posts of Process Automation triggers and data actions, [EventBridgeConversation] reads Amazon
// EventBridge events. Both yield nothing but a conversation id: a signal is a hint to look, not a truth.
package webhook
