package contract

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
)

// A Deviation is a known difference between Genesys and its API definition. It amends the
// definition, so that the rest of the message is still checked.
type Deviation struct {
	Name   string
	Reason string
	Source string
	Amend  func(*openapi3.T) error
}

// Genesys lists every deviation this module relies on.
func Genesys() []Deviation {
	return []Deviation{
		{
			Name:   "channel.metadata.customAttributes",
			Reason: "the only place whose values become participant data for Architect; the schema lists only subType",
			Source: "https://docs.ada.cx/generative/docs/handoffs/genesys/custom-fields, " +
				"https://developer.genesys.cloud/forum/t/set-participant-data-in-open-inbound-message/26014",
			Amend: addProperty("ConversationChannelMetadata", "customAttributes", stringMap()),
		},
		{
			Name:   "content[].contentType",
			Reason: "the official samples set it; the schema of an inbound content lists only the attachment",
			Source: "https://github.com/GenesysCloudBlueprints/ionic-mobile-open-messaging-blueprint/blob/a476086/blueprint/lambda-backend/index.js",
			Amend:  addProperty("OpenInboundMessageContent", "contentType", openapi3.NewStringSchema().WithEnum("Attachment")),
		},
		{
			Name:   "channel.from.image",
			Reason: "marked read-only, but of no use except in a request; that Genesys shows it to the agent is UNCERTAIN",
			Source: "https://github.com/MyPureCloud/platform-client-sdk-javascript/blob/e09e27aa/build/index.d.ts",
			Amend:  makeWritable("OpenMessagingFromRecipient", "image"),
		},
		{
			Name:   "channel.to.idType of a receipt",
			Reason: "marked read-only, but the receipts of the documentation have it",
			Source: "https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages",
			Amend:  makeWritable("OpenMessagingToRecipient", "idType"),
		},
		{
			Name:   "PATCH of a message conversation accepts a part of it",
			Reason: "the schema is the whole conversation with its required fields; a PATCH has only the state to change",
			Source: "https://github.com/MyPureCloud/platform-client-sdk-python/blob/f80f2db2c7/build/docs/ConversationsApi.md",
			Amend:  allowPartialPatch("/api/v2/conversations/messages/{conversationId}"),
		},
		{
			Name:   "POST /oauth/token",
			Reason: "the token endpoint lives on the login host and is not part of the API's definition",
			Source: "https://developer.genesys.cloud/authorization/platform-auth/use-client-credentials",
			Amend:  addTokenEndpoint,
		},
	}
}

// addProperty adds a property to a schema. It fails if the definition already has it.
func addProperty(schema, property string, value *openapi3.Schema) func(*openapi3.T) error {
	return func(doc *openapi3.T) error {
		ref := doc.Components.Schemas[schema]
		if ref == nil || ref.Value == nil {
			return fmt.Errorf("the definition has no schema %s", schema)
		}
		if ref.Value.Properties[property] != nil {
			return fmt.Errorf("%s.%s is in the definition now: drop the deviation", schema, property)
		}
		if ref.Value.Properties == nil {
			ref.Value.Properties = openapi3.Schemas{}
		}
		ref.Value.Properties[property] = value.NewRef()
		return nil
	}
}

// makeWritable allows a request to have a property that the definition marks as read-only. It fails
// if the mark is gone.
func makeWritable(schema, property string) func(*openapi3.T) error {
	return func(doc *openapi3.T) error {
		ref := doc.Components.Schemas[schema]
		if ref == nil || ref.Value == nil || ref.Value.Properties[property] == nil {
			return fmt.Errorf("the definition has no %s.%s", schema, property)
		}
		value := ref.Value.Properties[property].Value
		if !value.ReadOnly {
			return fmt.Errorf("%s.%s is writable in the definition now: drop the deviation", schema, property)
		}
		value.ReadOnly = false
		return nil
	}
}

// allowPartialPatch makes all properties of a PATCH's body optional, for this operation only. It
// fails if none is required.
func allowPartialPatch(path string) func(*openapi3.T) error {
	return func(doc *openapi3.T) error {
		item := doc.Paths.Value(path)
		if item == nil || item.Patch == nil {
			return fmt.Errorf("the definition has no PATCH %s", path)
		}
		body := requestSchema(item.Patch)
		if body == nil || len(body.Value.Required) == 0 {
			return fmt.Errorf("PATCH %s requires nothing now: drop the deviation", path)
		}
		partial := *body.Value
		partial.Required = nil
		item.Patch.RequestBody.Value.Content.Get("application/json").Schema = partial.NewRef()
		return nil
	}
}

func stringMap() *openapi3.Schema {
	return openapi3.NewObjectSchema().WithAdditionalProperties(openapi3.NewStringSchema())
}

func addTokenEndpoint(doc *openapi3.T) error {
	const path = "/oauth/token"
	if doc.Paths.Value(path) != nil {
		return errors.New("the token endpoint is in the definition now: drop the deviation")
	}
	grant := openapi3.NewObjectSchema().
		WithProperty("grant_type", openapi3.NewStringSchema().WithEnum("client_credentials")).
		WithRequired([]string{"grant_type"})
	token := openapi3.NewObjectSchema().
		WithProperty("access_token", openapi3.NewStringSchema().WithMinLength(1)).
		WithProperty("token_type", openapi3.NewStringSchema().WithEnum("bearer", "Bearer")).
		WithProperty("expires_in", openapi3.NewIntegerSchema().WithMin(1)).
		WithRequired([]string{"access_token", "token_type", "expires_in"})
	refused := openapi3.NewObjectSchema().
		WithProperty("error", openapi3.NewStringSchema()).
		WithProperty("description", openapi3.NewStringSchema()).
		WithProperty("error_description", openapi3.NewStringSchema()).
		WithRequired([]string{"error"})
	doc.Paths.Set(path, &openapi3.PathItem{Post: &openapi3.Operation{
		RequestBody: &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).
			WithContent(openapi3.NewContentWithSchema(grant, []string{formType}))},
		Responses: openapi3.NewResponses(
			openapi3.WithStatus(http.StatusOK, jsonResponse(token)),
			openapi3.WithStatus(http.StatusBadRequest, jsonResponse(refused)),
		),
	}})
	return nil
}

func jsonResponse(s *openapi3.Schema) *openapi3.ResponseRef {
	return &openapi3.ResponseRef{Value: openapi3.NewResponse().WithDescription("").WithJSONSchema(s)}
}
