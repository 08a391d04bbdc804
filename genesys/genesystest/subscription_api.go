package genesystest

import (
	"net/http"
	"slices"
	"strings"
)

const (
	topicPermitted = "Permitted"
	topicRejected  = "Rejected"
)

// topicBody is a ChannelTopic, in requests too.
type topicBody struct {
	ID                 string   `json:"id"`
	State              string   `json:"state,omitempty"`
	RejectionReason    string   `json:"rejectionReason,omitempty"`
	MissingPermissions []string `json:"missingPermissions,omitempty"`
	SelfURI            string   `json:"selfUri,omitempty"`
}

// getSubscriptions is GET /notifications/channels/{id}/subscriptions. Rejected topics are not subscribed and not listed.
func (o *Org) getSubscriptions(c *call) answer {
	ch := o.channelOf(c)
	if ch == nil {
		return gone("channel")
	}
	out := entities[topicBody]{Entities: []topicBody{}}
	for _, topic := range ch.topics {
		out.Entities = append(out.Entities, topicBody{ID: topic, State: topicPermitted})
	}
	return answerOK(out)
}

// postSubscriptions adds topics.
func (o *Org) postSubscriptions(c *call) answer { return o.subscribe(c, false) }

// putSubscriptions replaces all topics.
func (o *Org) putSubscriptions(c *call) answer { return o.subscribe(c, true) }

// deleteSubscriptions removes all topics. Which success status Genesys answers is UNCERTAIN: the definition has none.
func (o *Org) deleteSubscriptions(c *call) answer {
	ch := o.channelOf(c)
	if ch == nil {
		return gone("channel")
	}
	ch.clear()
	return answer{status: http.StatusNoContent}
}

// subscribe answers with the topics of the request, not with all of the channel's; which Genesys does is UNCERTAIN.
func (o *Org) subscribe(c *call, replace bool) answer {
	var in []topicBody
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	ignore := c.request.URL.Query().Get("ignoreErrors")
	var k checks
	if ignore != "" {
		k.oneOf(ignore, "ignoreErrors", "true", "false")
	}
	for _, t := range in {
		if !knownTopic(t.ID) {
			k.refuse("bad.request", "id", "is %q, which is no topic of the API's", t.ID)
		}
	}
	if k.wrong != nil {
		return *k.wrong
	}
	ch := o.channelOf(c)
	if ch == nil {
		return gone("channel")
	}
	judged, permitted, lack := o.judge(in)
	if len(lack) > 0 && ignore != "true" {
		return allOf(lack...).refusal(lack)
	}
	if !replace {
		permitted = append(slices.Clone(ch.topics), permitted...)
	}
	if n := distinct(permitted); n > topicsPerChannel {
		return badRequest("bad.request", "", "A channel has at most %d topics, this would make %d", topicsPerChannel, n)
	}
	ch.clear()
	ch.add(permitted)
	o.extend(ch)
	return answerOK(entities[topicBody]{judged})
}

// judge says what becomes of each topic that is asked for, and which permissions are missing for all together.
func (o *Org) judge(in []topicBody) (judged []topicBody, permitted, lack []string) {
	judged = []topicBody{}
	for _, t := range in {
		missing := o.opt.topicNeed(t.ID).missing(o.permissions)
		if missing == nil {
			permitted = append(permitted, t.ID)
			judged = append(judged, topicBody{ID: t.ID, State: topicPermitted})
			continue
		}
		judged = append(judged, topicBody{
			ID: t.ID, State: topicRejected, MissingPermissions: missing,
			RejectionReason: "The role lacks a permission this needs: " + strings.Join(missing, ", "),
		})
		for _, name := range missing {
			if !slices.Contains(lack, name) {
				lack = append(lack, name)
			}
		}
	}
	return judged, permitted, lack
}

func distinct(topics []string) int {
	seen := map[string]bool{}
	for _, topic := range topics {
		seen[topic] = true
	}
	return len(seen)
}
