package storebench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// A stub is Genesys with as little work as possible: an agent has every conversation, and every message is taken. The fake
// organisation of genesystest keeps all it has seen and would be what is measured.
type stub struct {
	sent map[string]chan struct{} // by customer; not changed once requests are under way
}

const agentQueue = "00000000-0000-4000-8000-00000000000a"

// conversationOf is where the stub puts a customer.
func conversationOf(customer string) string { return "conversation-" + customer }

// RoundTrip answers at once.
func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	var in []byte
	if r.Body != nil {
		in, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	out := s.answer(r, in)
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {"application/json"}, "Inin-Ratelimit-Allowed": {"1000000000"}, "Inin-Ratelimit-Count": {"1"},
			"Inin-Ratelimit-Reset": {"60"},
		},
		Body: io.NopCloser(bytes.NewReader(out)), ContentLength: int64(len(out)), Request: r,
	}, nil
}

func (s *stub) answer(r *http.Request, body []byte) []byte {
	_, conversation, read := strings.Cut(r.URL.Path, "/conversations/messages/conversation-")
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/oauth/token"):
		return []byte(`{"access_token":"t","token_type":"bearer","expires_in":86399}`)
	case strings.HasSuffix(path, "/inbound/open/message"):
		return s.take(body)
	case read && r.Method == http.MethodGet:
		return []byte(strings.ReplaceAll(talking, "ID", conversationOf(conversation)))
	default:
		return []byte(`{}`)
	}
}

// take says where the message went.
func (s *stub) take(body []byte) []byte {
	var in struct {
		Channel struct {
			From struct {
				ID string `json:"id"`
			} `json:"from"`
		} `json:"channel"`
	}
	_ = json.Unmarshal(body, &in)
	customer := in.Channel.From.ID
	if c := s.sent[customer]; c != nil {
		c <- struct{}{}
	}
	return []byte(`{"id":"m0000000-0000-4000-8000-000000000001","conversationId":"` + conversationOf(customer) + `"}`)
}

const talking = `{"id":"ID","participants":[
	{"id":"p1","purpose":"customer","state":"connected","startTime":"2000-01-01T00:00:00Z","communications":[]},
	{"id":"p2","purpose":"agent","state":"connected","user":{"id":"u1"},"name":"Ann","startTime":"2000-01-01T00:00:00Z",
	 "queue":{"id":"` + agentQueue + `"}}]}`
