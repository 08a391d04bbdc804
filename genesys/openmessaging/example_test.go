package openmessaging_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

func ExampleParseOutbound() {
	body := []byte(`{"id":"p1","channel":{"id":"i1","to":{"id":"ada-17"},"time":"2026-03-02T09:15:30.250Z"},
		"type":"Text","text":"Good morning","originatingEntity":"Human"}`)
	out, err := openmessaging.ParseOutbound(body)
	if err != nil {
		fmt.Println(err) // answer 400
		return
	}
	switch b := out.Body.(type) {
	case openmessaging.Message:
		fmt.Println(out.Origin, "to", out.CustomerID+":", b.Text)
	case openmessaging.Typing:
		fmt.Println("typing for", b.Duration)
	case openmessaging.Receipt:
		fmt.Println(b.MessageID, b.Status)
	case openmessaging.UnknownBody:
		fmt.Println("unknown", b.Kind, len(out.Raw), "bytes kept")
	}
	// Output: Human to ada-17: Good morning
}

func ExampleInboundMessage() {
	m := openmessaging.InboundMessage{
		From:       openmessaging.Customer{ID: "ada-17", Nickname: "Ada"},
		MessageID:  "m-1",
		Time:       time.Date(2026, 3, 2, 9, 15, 30, 0, time.UTC),
		Text:       "My tulips are blue",
		Attributes: map[string]string{"plan": "gold"},
	}
	if err := m.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	b, err := json.MarshalIndent(m, "", " ")
	fmt.Println(string(b), err)
	// Output:
	// {
	//  "channel": {
	//   "from": {
	//    "id": "ada-17",
	//    "idType": "Opaque",
	//    "nickname": "Ada"
	//   },
	//   "time": "2026-03-02T09:15:30.000Z",
	//   "messageId": "m-1",
	//   "metadata": {
	//    "customAttributes": {
	//     "plan": "gold"
	//    }
	//   }
	//  },
	//  "text": "My tulips are blue"
	// } <nil>
}

func ExampleInboundMessage_Validate() {
	m := openmessaging.InboundMessage{Attachment: &openmessaging.Attachment{URL: "leaf.png", MIME: "image/png"}}
	fmt.Println(m.Validate())
	// Output:
	// openmessaging: inbound message: From.ID is empty; set it to your own id of the customer
	// openmessaging: inbound message: Time is zero; set it to when it happened, and keep it for retries
	// openmessaging: inbound message: Attachment.URL is not an absolute http or https URL; set one that Genesys can fetch without credentials
}

func ExampleSplitText() {
	for _, part := range openmessaging.SplitText("Two lines.\nThe second is longer.", 21) {
		fmt.Println(strings.TrimSpace(part))
	}
	// Output:
	// Two lines.
	// The second is longer.
}
