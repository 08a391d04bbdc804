package genesystest

import (
	"maps"
	"net/http"
)

// attributesBody is ParticipantAttributes.
type attributesBody struct {
	Attributes map[string]string `json:"attributes"`
}

// patchAttributes is PATCH /conversations/messages/{id}/participants/{id}/attributes, which answers with all of them.
func (o *Org) patchAttributes(c *call) answer {
	p, refused := o.attribute(c)
	if refused != nil {
		return *refused
	}
	return answer{status: http.StatusAccepted, body: attributesBody{maps.Clone(p.attributes)}}
}

// patchAnyAttributes is the same of any conversation, which answers with nothing.
func (o *Org) patchAnyAttributes(c *call) answer {
	if _, refused := o.attribute(c); refused != nil {
		return *refused
	}
	return answerAccepted()
}

func (o *Org) attribute(c *call) (*participant, *answer) {
	var in attributesBody
	if wrong := decodeBody(c, &in); wrong != nil {
		return nil, wrong
	}
	found, p, refused := o.target(c)
	if refused != nil {
		return nil, refused
	}
	maps.Copy(p.attributes, in.Attributes)
	o.touch(found)
	return p, nil
}
