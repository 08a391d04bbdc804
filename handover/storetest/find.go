package storetest

import (
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
)

// finds fails unless Find returns this record, for its channel and for every channel.
func (s *suite) finds(want handover.Record, why string) {
	s.Helper()
	for _, channel := range []string{want.Key.Channel, ""} {
		got, err := s.store.Find(s.Context(), channel, want.ConversationID)
		if err != nil {
			s.Errorf("Find(%q, %q) = %v; want %s: %s", channel, want.ConversationID, err, show(want), why)
			continue
		}
		s.same(got, want, why)
	}
}

// misses fails unless Find returns ErrNotFound for every channel, and for those given.
func (s *suite) misses(conversation, why string, channels ...string) {
	s.Helper()
	if len(channels) == 0 {
		channels = []string{"", "shop"}
	}
	for _, channel := range channels {
		r, err := s.store.Find(s.Context(), channel, conversation)
		if err == nil {
			s.Errorf("Find(%q, %.40q) returned %s; want ErrNotFound: %s", channel, conversation, show(r), why)
			continue
		}
		s.notFound(err, "Find", why)
	}
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
	s.finds(r, "Find returns the record as it was last put")
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

// Two records of one channel have the same conversation id, for example while it moves from one key
// to another.
func findOfASharedConversation(s *suite) {
	a, b := record("a", 1), record("b", 2)
	a.ConversationID, b.ConversationID = "conversation-1", "conversation-1"
	s.put(a, 0)
	s.put(b, 0)
	for _, channel := range []string{"shop", ""} {
		got, err := s.store.Find(s.Context(), channel, "conversation-1")
		if err != nil || got.ConversationID != "conversation-1" {
			s.Errorf("Find(%q) = %s, %v; want one of the two records whose last Put had this conversation", channel, show(got), err)
		}
	}
	a.Revision, a.ConversationID = 3, "conversation-2"
	s.put(a, 1)
	s.finds(a, "the last Put of the record had this conversation")
	s.finds(b, "another record that leaves the conversation does not take it from this one")
	s.remove(a.Key, 3)
	s.finds(b, "another record that is removed does not take the conversation from this one")
	s.remove(b.Key, 2)
	s.misses("conversation-1", "both records are gone")
}

// Records of several channels have the same conversation id: two programs on one store, or two
// integrations of one organization.
func findByChannel(s *suite) {
	channels := []string{"shop", "Shop", "sho", "shop2", "a/b", ""}
	records := make([]handover.Record, len(channels))
	for i, channel := range channels {
		r := record("c", uint64(i)+1)
		r.Key.Channel, r.ConversationID = channel, "conversation-1"
		s.put(r, 0)
		records[i] = r
	}
	each := func(why string, list ...handover.Record) {
		s.Helper()
		for _, r := range list {
			if r.Key.Channel == "" {
				continue // an empty channel means every channel
			}
			got, err := s.store.Find(s.Context(), r.Key.Channel, "conversation-1")
			if err != nil {
				s.Errorf("Find(%q) = %v; want %s: %s", r.Key.Channel, err, show(r), why)
				continue
			}
			s.same(got, r, why)
		}
	}
	each("Find returns a record of the channel that it is given", records...)
	if got, err := s.store.Find(s.Context(), "", "conversation-1"); err != nil || got.ConversationID != "conversation-1" {
		s.Errorf("Find of an empty channel = %s, %v; want any of the records with this conversation", show(got), err)
	}
	s.misses("conversation-1", "no record of this channel has the conversation", "other", "shop ", "s", "%", "a")
	moved := records[0]
	moved.Revision, moved.ConversationID = 10, "conversation-2"
	s.put(moved, 1)
	s.misses("conversation-1", "the record of this channel has another conversation now", "shop")
	s.finds(moved, "the record of this channel has this conversation now")
	s.remove(records[1].Key, 2)
	s.misses("conversation-1", "the record of this channel was removed", "Shop")
	each("changes of another channel's record do not matter", records[2:]...)
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
