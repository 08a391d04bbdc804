// Package webhook verifies and reads the requests that Genesys Cloud sends: Open Messaging
// notifications, and signals that something changed in a conversation. It imports only the
// standard library and genesys/openmessaging.
//
// # Open Messaging notifications
//
// An Open Messaging integration has one webhook URL and one secret. Genesys signs every
// request: the header X-Hub-Signature-256 is "sha256=" and the padded standard base64 (not hex)
// of the HMAC-SHA256 of the raw body
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html). A
// [Verifier] is for one [Endpoint]: its secrets and its integration. [Verifier.Open] verifies
// the signature, decodes the body, and then compares the integration. So nothing is decoded
// before it is verified, and a tenant cannot sign for another tenant's integration.
// [NewHandler] returns an http.Handler that does this. Without net/http (AWS Lambda, a queue),
// call Open with the value of the header and the raw bytes.
//
// Verification cannot be disabled. Tests sign with [Sign].
//
// # What a signature does not prove
//
//   - When the request was made. Neither a time nor a nonce is signed, so a recorded request
//     can be sent again at any time. Remember the ids of handled notifications, as
//     handover.Manager does.
//   - How often it is sent. Genesys delivers at least once: after a timeout, a 429 or a 5xx it
//     sends the same id again, up to five times, five seconds apart. It waits ten seconds for
//     each answer.
//   - The order. Genesys documents none (UNCERTAIN), and a retry may arrive after later
//     messages.
//   - The author. The signature proves that Genesys sent the request; the author in the body
//     (openmessaging.Outbound.Origin) is what Genesys reports.
//   - That no notification is missing, or that the content is confidential. TLS ends where the
//     host ends it.
//
// Nothing outside the signed bytes is used: no Content-Type, query or form. Before the
// signature, only the method, the size, and what a [Keyring] needs to find the verifier (path,
// host) matter.
//
// # Answers
//
//	200  the callback returned nil in time; Genesys does not send the message again
//	400  verified but not readable, or the body is incomplete
//	401  not signed, signed with another secret, or signed for another integration
//	404  no such channel
//	405  not a POST
//	413  larger than the limit
//	503  the callback or the keyring failed, panicked, or exceeded its time; Genesys retries
//
// Genesys retries only after 429, 5xx and timeouts. After any other 4xx the message is lost, and a
// developer reports that it ended the whole chat
// (https://developer.genesys.cloud/forum/t/openmessage-need-to-either-disable-input-or-inform-agent-message-didnt-go-through/30668).
// So the answer is 503 for every failure that a retry may solve. Answers have no body.
//
// # Signals
//
// [NewSignalHandler] takes posts of Process Automation triggers and data actions,
// [ParseEventBridge] reads Amazon EventBridge events. Both yield nothing but a conversation id: a
// signal is a hint to look, not a truth.
package webhook
