// Package genesys is a client of the Genesys Cloud API: the operations that a handover needs, and
// [Client.Do] for the rest.
//
// A [Client] calls the API as one OAuth client of one organisation. It fetches and renews the
// token, retries what can be repeated without a second effect, and returns errors that name the
// fix:
//
//	client, err := genesys.New(region.EUWest1, genesys.ClientCredentials(id, secret))
//	queue, err := client.Routing.QueueNamed(ctx, "Support", "")
//	sent, err := client.OpenMessaging.Send(ctx,
//		genesys.SendRequest{IntegrationID: integration, Message: m})
//
// There is one file for each service. [Conversation.Standing] evaluates a read of a conversation
// and is pure. The package imports region, genesys/openmessaging and internal/httpx only.
//
// # Errors
//
// An answer of the API that reports a failure is an *[Error]: errors.Is finds [ErrNotFound] and its
// siblings, errors.AsType the details. A failure without an answer wraps its cause, so that
// errors.Is(err, context.Canceled) is true if the caller's context ended. [EffectOf] tells for both
// whether the operation may have been performed, which decides whether a message may be sent again.
//
// No error contains a token, a secret, a URL with its parameters or a customer's text.
//
// # Retries
//
// A 429 is retried with every method after Retry-After, if the policy's cap and the context's
// deadline allow that wait. Otherwise it is returned at once, with [Error.RetryAfter]. A 5xx (not
// 501) or a broken connection is retried only for GET, HEAD, PUT and DELETE, and if
// [Request.Idempotent] is set; any other POST only if it was never sent. This package never posts a
// message twice, because whether Genesys drops a repeat with the same id and time is UNCERTAIN.
//
// [Client.WithRetry] returns a client with other retries on the same token, for example one that
// never waits.
//
// # Clock and budget
//
// [WithObserver] reports every [Call]: its rate-limit headers, and the server's Date together with
// the times when the request began and its answer arrived, from which the offset of Genesys' clock
// can be measured.
//
// # Permissions
//
// Each method names the permission that Genesys requires. A 403 lists the missing ones in
// [Error.MissingPermissions].
//
// Sources: https://developer.genesys.cloud/commdigital/digital/openmessaging/ and
// https://developer.genesys.cloud/platform/api/ . Success codes are not documented for each
// operation, so every 2xx is one.
package genesys
