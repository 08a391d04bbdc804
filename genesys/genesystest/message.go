package genesystest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// A message is one message of a conversation, in either direction.
type message struct {
	id, providerID string
	c              *Conversation
	at             time.Time // channel.time
	from, name     string    // "customer", "agent" or "flow"; the display name
	origin         string    // Human or Bot, for messages to the customer
	kind           string    // Text or Structured
	text, url      string
	content        json.RawMessage
	status         string // as in receipts
	reason         string // of a failure, as in a receipt
}

func (m *message) inbound() bool { return m.from == "customer" }

// wireStatus returns the status as a read of the conversation shows it.
func (m *message) wireStatus() string {
	switch {
	case m.inbound():
		return "received"
	case m.status == "Delivered":
		return "delivery-success"
	case m.status == "Failed":
		return "delivery-failed"
	default:
		return "sent"
	}
}

// readID returns the id that reads of the conversation use.
func (o *Org) readID(m *message) string {
	if !o.opt.foreignIDs {
		return m.id
	}
	n := 0
	for _, b := range []byte(m.id) {
		n = (n*31 + int(b)) & 0x7fffffff
	}
	return o.derive("read-id", n)
}

// add appends m to its conversation and to the list of every live leg. Which legs list which
// messages at Genesys is UNCERTAIN. Here each leg lists the messages sent while it was live.
func (o *Org) add(m *message) {
	o.messages[m.id] = m
	m.c.messages = append(m.c.messages, m)
	for _, p := range m.c.participants {
		if p.live() {
			p.messages = append(p.messages, m)
		}
	}
}

type download struct {
	mime    string
	content []byte
}

// store keeps an agent's file and returns its description.
func (o *Org) store(mime, name string, content []byte) outboundAttachment {
	id := o.hexID("download", 40)
	o.downloads[id] = download{mime, append([]byte{}, content...)}
	return outboundAttachment{
		ID: o.uuid("attachment"), MediaType: mediaType(mime), Mime: mime, Filename: name, Size: len(content),
		URL: o.downloadsAt() + "/api/v2/downloads/" + id,
	}
}

// ServeDownloadsAt sets the base address of files that agents attach from now on, such as
// "http://localhost:8080", for a server that runs Handler. By default the addresses are at
// Genesys' download host, which only HTTPClient reaches.
func (o *Org) ServeDownloadsAt(base string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.downloadBase = strings.TrimSuffix(base, "/")
}

func (o *Org) downloadsAt() string {
	if o.downloadBase != "" {
		return o.downloadBase
	}
	return "https://api-downloads." + o.opt.region.Domain()
}

func mediaType(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	switch kind {
	case "image":
		return "Image"
	case "video":
		return "Video"
	case "audio":
		return "Audio"
	default:
		return "File"
	}
}

func (o *Org) getDownload(c *call) answer {
	d, ok := o.downloads[c.vars["download"]]
	if !ok {
		return notFound("download")
	}
	return answer{status: http.StatusOK, raw: d.content, mime: d.mime}
}
