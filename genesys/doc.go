// Package genesys is a client of the Genesys Cloud API, as much of it as a handover needs, and [Client.Do] for the rest.
//
// A [Client] speaks for one OAuth client of one organisation. It fetches and renews the token, repeats what can be
// repeated without doubling an effect, and turns every failure into an error that says what to do:
//
//	client, err := genesys.New(region.EUWest1, genesys.ClientCredentials(id, secret))
//	queue, err := client.Routing.QueueNamed(ctx, "Support", "")
//	sent, err := client.OpenMessaging.Send(ctx, genesys.SendRequest{IntegrationID: integration, Message: m})
//
// # Errors
//
// What the API answered is an *[Error]: errors.Is finds [ErrNotFound] and its like, errors.AsType the details. What was
// never answered wraps its cause, so that errors.Is(err, context.Canceled) holds where the caller's context ended.
// [EffectOf] tells for either whether the operation may have happened: the question to ask before sending a message again.
//
// No error holds a token, a secret, an address with its parameters or what a customer wrote.
//
// # Repeats
//
// 429 is repeated for every method, after Retry-After, as long as the policy's cap and the context's deadline allow the
// wait; otherwise the 429 comes back at once, with [Error.RetryAfter]. 5xx (not 501) and broken connections are repeated
// only for GET, HEAD, PUT, DELETE and where [Request.Idempotent] is set; a POST only if it never left. A message is
// never posted twice by this package: whether Genesys drops a repeat with the same id and time is UNCERTAIN.
//
// # Permissions
//
// Each method names the permission Genesys asks for. A 403 carries it in [Error.MissingPermissions].
//
// Sources: https://developer.genesys.cloud/commdigital/digital/openmessaging/ and
// https://developer.genesys.cloud/platform/api/ ; success codes are not documented per operation, so every 2xx is one.
package genesys
