package genesystest

import (
	"net/http"
	"strings"
)

// A route is one operation of the API.
type route struct {
	method  string
	path    []string // segments; {name} matches any
	op      string
	need    need
	noToken bool // the operation needs no bearer token
	do      func(*Org, *call) answer
}

const (
	opToken    = "oauth.token" //nolint:gosec // the name of an operation, no credential
	opDownload = "downloads.get"
	opConnect  = "notifications.connect"
)

// routes returns the operations that a handover needs, with the names that faults and Requests
// use.
func routes() []route {
	const (
		msg      = "/api/v2/conversations/messages"
		open     = msg + "/{integration}/inbound/open"
		one      = msg + "/{conversation}"
		part     = one + "/participants/{participant}"
		generic  = "/api/v2/conversations/{conversation}"
		anyPart  = generic + "/participants/{participant}"
		queues   = "/api/v2/routing/queues"
		openInts = "/api/v2/conversations/messaging/integrations/open"
		channels = "/api/v2/notifications/channels"
		topics   = channels + "/{channel}/subscriptions"

		blind      = "conversation:communication:blindTransfer"
		disconnect = "conversation:communication:disconnect"
		view       = "routing:queue:view"
	)
	receive := allOf("conversation:message:receive")
	read := anyOf("conversation:message:view", "conversation:webmessaging:view")
	change := anyOf("conversation:participant:wrapup", "conversation:call:record", disconnect)
	none := need{}
	return []route{
		login("/oauth/token", (*Org).grant),
		on(http.MethodGet, "/api/v2/downloads/{download}", opDownload, none, (*Org).getDownload),

		on(http.MethodPost, open+"/message", "openmessaging.send", receive, (*Org).postMessage),
		on(http.MethodPost, open+"/event", "openmessaging.typing", receive, (*Org).postEvent),
		on(http.MethodPost, open+"/receipt", "openmessaging.receipt", receive, (*Org).postReceipt),
		on(http.MethodPost, open+"/structured/response", "openmessaging.reply", receive, (*Org).postReply),

		on(http.MethodGet, openInts, "integrations.list", allOf("messaging:integration:view"), (*Org).listIntegrations),
		on(http.MethodGet, openInts+"/{integration}", "integrations.get", allOf("messaging:integration:view"), (*Org).getIntegration),

		on(http.MethodGet, queues, "routing.queues.list", anyOf(view), (*Org).listQueues),
		on(http.MethodGet, queues+"/{queue}", "routing.queues.get", allOf(view), (*Org).getQueue),
		on(http.MethodGet, queues+"/{queue}/members", "routing.members.list",
			anyOf(view, "routing:queue:edit", "routing:queue:readonly", "routing:queueMember:manage"), (*Org).listMembers),
		on(http.MethodGet, queues+"/{queue}/estimatedwaittime", "routing.estimatedWait", allOf(view), (*Org).getWait),
		on(http.MethodGet, queues+"/{queue}/mediatypes/{media}/estimatedwaittime", "routing.estimatedWait", allOf(view), (*Org).getWait),

		on(http.MethodGet, one, "conversations.get", none, (*Org).getMessageConversation),
		on(http.MethodPatch, one, "conversations.disconnect", anyOf(disconnect, "conversation:message:park"), (*Org).patchConversation),
		on(http.MethodGet, one+"/messages/{message}", "conversations.messages.get", read, (*Org).getMessage),
		on(http.MethodPost, one+"/messages/bulk", "conversations.messages.bulk", read, (*Org).postBulk),
		on(http.MethodGet, msg+"/{message}/details", "conversations.messages.details", read, (*Org).getMessage),
		on(http.MethodPost, part+"/replace", "conversations.replace", anyOf(blind), (*Org).postReplace),
		on(http.MethodPatch, part, "conversations.disconnectParticipant", change, (*Org).patchParticipant),
		on(http.MethodPatch, part+"/attributes", "conversations.attributes", none, (*Org).patchAttributes),
		on(http.MethodPatch, part+"/communications/{communication}", "conversations.disconnectCommunication", none, (*Org).patchCommunication),

		on(http.MethodGet, generic, "conversations.getGeneric", anyOf("conversation:communication:view"), (*Org).getConversation),
		on(http.MethodDelete, generic, "conversations.delete", anyOf(disconnect), (*Org).deleteConversation),
		on(http.MethodPatch, anyPart, "conversations.disconnectParticipant", change, (*Org).patchParticipant),
		on(http.MethodPatch, anyPart+"/attributes", "conversations.attributes", none, (*Org).patchAnyAttributes),
		on(http.MethodPost, anyPart+"/replace", "conversations.replaceGeneric", anyOf(blind), (*Org).postReplace),
		on(http.MethodPost, anyPart+"/replace/queue", "conversations.transferToQueue",
			anyOf(blind, "conversation:communication:blindTransferQueue"), (*Org).postReplaceQueue),
		on(http.MethodPost, anyPart+"/replace/agent", "conversations.transferToAgent",
			anyOf(blind, "conversation:communication:blindTransferAgent"), (*Org).postReplaceAgent),

		on(http.MethodPost, channels, "notifications.channels.create", none, (*Org).postChannel),
		on(http.MethodGet, channels, "notifications.channels.list", none, (*Org).listChannels),
		on(http.MethodHead, channels+"/{channel}", "notifications.channels.head", none, (*Org).headChannel),
		on(http.MethodGet, topics, "notifications.subscriptions.get", none, (*Org).getSubscriptions),
		on(http.MethodPost, topics, "notifications.subscriptions.add", none, (*Org).postSubscriptions),
		on(http.MethodPut, topics, "notifications.subscriptions.replace", none, (*Org).putSubscriptions),
		on(http.MethodDelete, topics, "notifications.subscriptions.clear", none, (*Org).deleteSubscriptions),
		// See serveSocket.
		{method: http.MethodGet, path: segments("/channels/{channel}"), op: opConnect, noToken: true},
	}
}

func on(method, path, op string, n need, do func(*Org, *call) answer) route {
	return route{method: method, path: segments(path), op: op, need: n, do: do}
}

func login(path string, do func(*Org, *call) answer) route {
	return route{method: http.MethodPost, path: segments(path), op: opToken, noToken: true, do: do}
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// match returns the operation of a request. For a path with other methods only, it returns known
// and a route without an operation. If several patterns match, the one with the most fixed
// segments is used, and the first of these.
func (o *Org) match(method, path string) (rt route, vars map[string]string, known bool) {
	got := segments(path)
	best := -1
	for _, candidate := range o.routes {
		v, fixed := candidate.fit(got)
		if v == nil {
			continue
		}
		known = true
		if candidate.method == method && fixed > best {
			rt, vars, best = candidate, v, fixed
		}
	}
	return rt, vars, known
}

// fit returns the variables of a path and the number of fixed segments, or nil if the path does
// not match.
func (rt route) fit(got []string) (vars map[string]string, fixed int) {
	if len(got) != len(rt.path) {
		return nil, 0
	}
	vars = map[string]string{}
	for i, want := range rt.path {
		if name, ok := strings.CutPrefix(want, "{"); ok && got[i] != "" {
			vars[strings.TrimSuffix(name, "}")] = got[i]
			continue
		}
		if want != got[i] {
			return nil, 0
		}
		fixed++
	}
	return vars, fixed
}
