package genesystest

import "time"

// Texts is what the customer wrote since the conversation came (back) to life, in the order the agent reads it. What a bot
// put into the first message, such as a transcript, is one of them.
func (d *Desk) Texts() []string {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	var texts []string
	for _, m := range d.c.messages[d.c.episode:] {
		if m.from == "customer" && m.text != "" {
			texts = append(texts, m.text)
		}
	}
	return texts
}

// Attachments is the addresses of what the customer attached since the conversation came to life.
func (d *Desk) Attachments() []string {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	var urls []string
	for _, m := range d.c.messages[d.c.episode:] {
		if m.from == "customer" && m.url != "" {
			urls = append(urls, m.url)
		}
	}
	return urls
}

// Attributes is the participant data of the customer: what the bot handed over.
func (d *Desk) Attributes() map[string]string { return d.c.Attributes() }

// Status is what the agent is told about a message of theirs: "Sent", "Delivered" or "Failed".
func (d *Desk) Status(messageID string) string { return d.c.Status(messageID) }

// CustomerTyping reports whether the agent sees that the customer types now.
func (d *Desk) CustomerTyping() bool {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return time.Now().Before(d.c.typingUntil)
}
