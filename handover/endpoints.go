package handover

import (
	"net/http"
)

// Refused is called by webhook.NewHandler for each post that it refuses because of a wrong signature or integration, or because the
// post cannot be read. The Manager logs one line per channel and hour, and gives one NoticeConnectionLost per channel and hour at
// the next read of a conversation of the channel. Each process counts for itself. Neither contains anything from the body or a
// secret.
func (m *Manager) Refused(r *http.Request, err error) {
	m.engine.Refused(r, err)
}
