package storetest

import (
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
)

// finds fails unless Find gives this record.
func (s *suite) finds(want handover.Record, why string) {
	s.Helper()
	got, err := s.store.Find(s.Context(), want.ConversationID)
	if err != nil {
		s.Errorf("Find(%q) = %v; want %s: %s", want.ConversationID, err, show(want), why)
		return
	}
	s.same(got, want, why)
}

func (s *suite) misses(conversation, why string) {
	s.Helper()
	r, err := s.store.Find(s.Context(), conversation)
	if err == nil {
		s.Errorf("Find(%.40q) gave %s; want ErrNotFound: %s", conversation, show(r), why)
		return
	}
	s.notFound(err, "Find", why)
}

func findFollowsChanges(s *suite) {
	r := record("c", 1)
	s.put(r, 0)
	s.misses("conversation-1", "no record has it yet")
	r.Revision, r.ConversationID = 2, "conversation-1"
	s.put(r, 1)
	s.finds(r, "it was put with this conversation")
	r.Revision, r.Data = 3, []byte("newer")
	s.put(r, 2)
	s.finds(r, "Find gives the record as it was last put")
	r.Revision, r.ConversationID = 4, "conversation-2"
	s.put(r, 3)
	s.finds(r, "the record has this conversation now")
	s.misses("conversation-1", "the record was put with another conversation since")
	r.Revision, r.ConversationID = 5, ""
	s.put(r, 4)
	s.misses("conversation-2", "the record was put without a conversation since")
	r.Revision, r.ConversationID = 6, "conversation-3"
	s.put(r, 5)
	s.remove(r.Key, 6)
	s.misses("conversation-3", "the record was removed")
}

// A conversation passes from one key to another: two records have it for a while.
func findOfASharedConversation(s *suite) {
	a, b := record("a", 1), record("b", 2)
	a.ConversationID, b.ConversationID = "conversation-1", "conversation-1"
	s.put(a, 0)
	s.put(b, 0)
	got, err := s.store.Find(s.Context(), "conversation-1")
	if err != nil || got.ConversationID != "conversation-1" {
		s.Errorf("Find = %s, %v; want one of the two records that were last put with this conversation", show(got), err)
	}
	a.Revision, a.ConversationID = 3, "conversation-2"
	s.put(a, 1)
	s.finds(a, "the record has this conversation now")
	s.finds(b, "that another record has left the conversation does not take it from this one")
	s.remove(a.Key, 3)
	s.finds(b, "that another record was removed does not take the conversation from this one")
	s.remove(b.Key, 2)
	s.misses("conversation-1", "both records are gone")
}

func findMisses(s *suite) {
	s.put(record("no conversation", 1), 0)
	s.misses("", "an empty conversation is none, also where records have none")
	r := record("c", 1)
	r.ConversationID = "Conversation_1"
	s.put(r, 0)
	for _, id := range []string{
		"conversation_1", "Conversation_1 ", " Conversation_1", "Conversation_", "Conversation%", "ConversationX1", "%", "_", "*",
		"' OR '1'='1", `Conversation\_1`, "no\x00such", "\xff", strings.Repeat("long ", 4000),
	} {
		s.misses(id, "ids are compared byte by byte, and an id that cannot be stored is not found either")
	}
	s.finds(r, "it was put with this conversation")
}
