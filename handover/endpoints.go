package handover

import (
	"net/http"
)

// Refused is called by webhook.NewHandler for each post that it refuses because of a wrong
// signature or integration, or because the post cannot be read. The Manager logs one line per
// channel and hour. At the next read of a conversation of the channel it sends one
// NoticeConnectionLost per channel and hour. Each process counts separately. Neither contains
// anything from the body or a secret.
func (m *Manager) Refused(r *http.Request, err error) {
	m.engine.Refused(r, err)
}
