package genesystest

import "net/http"

type channelBody struct {
	ID         string `json:"id,omitempty"`
	ConnectURI string `json:"connectUri,omitempty"`
	Expires    string `json:"expires"`
}

// entities is a listing that is not paged.
type entities[T any] struct {
	Entities []T `json:"entities"`
}

func (o *Org) channelBody(c *call, ch *channel) channelBody {
	return channelBody{ID: ch.id, ConnectURI: o.connectURI(c.request, ch), Expires: stamp(ch.expires)}
}

// postChannel is POST /notifications/channels.
func (o *Org) postChannel(c *call) answer {
	return answerOK(o.channelBody(c, o.addChannel(c.token)))
}

// listChannels is GET /notifications/channels. Channels of other tokens show that they exist, and nothing more.
func (o *Org) listChannels(c *call) answer {
	which := c.request.URL.Query().Get("includechannels")
	if which == "" {
		which = "token"
	}
	var k checks
	k.oneOf(which, "includechannels", "token", "oauthclient")
	if k.wrong != nil {
		return *k.wrong
	}
	out := entities[channelBody]{Entities: []channelBody{}}
	for _, ch := range o.channels {
		switch {
		case ch.token == c.token:
			out.Entities = append(out.Entities, o.channelBody(c, ch))
		case which == "oauthclient":
			out.Entities = append(out.Entities, channelBody{Expires: stamp(ch.expires)})
		}
	}
	return answerOK(out)
}

// headChannel is HEAD /notifications/channels/{id}.
func (o *Org) headChannel(c *call) answer {
	if o.channelOf(c) == nil {
		return gone("channel")
	}
	return answer{status: http.StatusOK}
}
