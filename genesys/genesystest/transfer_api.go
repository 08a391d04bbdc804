package genesystest

// transferRequest is any of TransferRequest, TransferToQueueRequest and TransferToAgentRequest; allowed says which
// properties an operation has.
type transferRequest struct {
	TransferType    *string `json:"transferType"`
	KeepAlive       *bool   `json:"keepInternalMessageAlive"`
	QueueID         string  `json:"queueId"`
	QueueName       string  `json:"queueName"`
	UserID          string  `json:"userId"`
	UserName        string  `json:"userName"`
	UserDisplayName string  `json:"userDisplayName"`
	Address         string  `json:"address"`
	Voicemail       *bool   `json:"voicemail"`
}

// postReplaceQueue is POST /conversations/{id}/participants/{id}/replace/queue.
func (o *Org) postReplaceQueue(c *call) answer {
	in, wrong := readTransfer(c)
	if wrong != nil {
		return *wrong
	}
	if in.UserID+in.UserName+in.UserDisplayName+in.Address != "" || in.Voicemail != nil {
		return badRequest("bad.request", "", "A transfer to a queue takes queueId or queueName")
	}
	if (in.QueueID == "") == (in.QueueName == "") {
		return badRequest("bad.request", "queueId", "or queueName is required, and only one of them")
	}
	return o.replace(c, in.QueueID+in.QueueName, "")
}

// postReplaceAgent is POST /conversations/{id}/participants/{id}/replace/agent.
func (o *Org) postReplaceAgent(c *call) answer {
	in, wrong := readTransfer(c)
	if wrong != nil {
		return *wrong
	}
	user := in.UserID + in.UserName + in.UserDisplayName
	if user == "" || in.QueueID+in.QueueName+in.Address != "" {
		return badRequest("bad.request", "userId", "or userName or userDisplayName is required, and nothing of a queue")
	}
	return o.replace(c, "", user)
}

// postReplace is POST .../participants/{id}/replace, of messages and, deprecated, of any conversation.
func (o *Org) postReplace(c *call) answer {
	in, wrong := readTransfer(c)
	if wrong != nil {
		return *wrong
	}
	if in.QueueName+in.UserDisplayName != "" {
		return badRequest("bad.request", "queueName", "and userDisplayName do not belong here; queueId, userId, userName and address do")
	}
	queue, user := in.QueueID, in.UserID+in.UserName
	if in.Address != "" && o.queueNamed(in.Address) != nil {
		queue = in.Address
	} else if in.Address != "" {
		user = in.Address
	}
	if (queue == "") == (user == "") {
		return badRequest("bad.request", "queueId", "or userId, userName or address is required, and only one target")
	}
	return o.replace(c, queue, user)
}

func readTransfer(c *call) (in transferRequest, wrong *answer) {
	if wrong = decodeBody(c, &in); wrong != nil {
		return in, wrong
	}
	var k checks
	if in.TransferType != nil {
		k.oneOf(*in.TransferType, "transferType", "Attended", "Unattended")
	}
	return in, k.wrong
}

// replace accepts a transfer; it happens a little later, and always unattended. Only a leg that waits for or talks to the customer can be replaced.
func (o *Org) replace(c *call, queue, user string) answer {
	found, p, refused := o.target(c)
	if refused != nil {
		return *refused
	}
	if p.purpose != purposeACD && p.purpose != purposeAgent {
		return badRequest("bad.request", "participantId", "is a %s leg; an acd or agent leg can be replaced", p.purpose)
	}
	if !p.live() {
		return conflict("The participant has left the conversation")
	}
	if user != "" {
		a := o.agentNamed(user)
		if a == nil {
			return gone("user")
		}
		o.toAgent(found, p, a)
		return answerAccepted()
	}
	q := o.queueNamed(queue)
	if q == nil {
		return gone("queue")
	}
	o.toQueue(found, p, q)
	return answerAccepted()
}

// target finds the leg a request is about.
func (o *Org) target(c *call) (*Conversation, *participant, *answer) {
	found := o.conversation(c.vars["conversation"])
	if found == nil {
		return nil, nil, new(gone("conversation"))
	}
	p := found.participantByID(c.vars["participant"])
	if p == nil {
		return nil, nil, new(gone("participant"))
	}
	return found, p, nil
}

func (o *Org) agentNamed(name string) *Agent {
	for _, a := range o.agents {
		if a.id == name || a.name == name {
			return a
		}
	}
	return nil
}
