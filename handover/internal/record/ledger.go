package record

import (
	"encoding/json"
	"slices"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Word is an accepted message of the customer for which neither an agent, nor the bot, nor a
// notice has answered yet. The ledger, the record's Words, is the only list of them: the lane to
// Genesys and the Unanswered of a Return are views of it, so no word can be lost between two lists.
//
//	waiting ──attempt──▶ unsure ──2xx──▶ sent ──a later read shows an agent──▶ (removed)
//	                       │ 400, 413, 415, 422
//	                       ▼
//	                    refused
//
// While an agent session is open, words that are neither refused nor in a running Return wait for
// its agents. Otherwise every word belongs to a Return. It is removed when the host has accepted
// that Return.
type Word struct {
	Seq     uint64       `json:"seq"`
	ID      string       `json:"id"`                // the host's id of the message
	Message *Message     `json:"message,omitempty"` // nil: the content has been dropped
	At      machine.Time `json:"at"`                // when it was accepted
	Wire    machine.Time `json:"wire,omitempty"`    // channel.time of the first part
	State   wordState    `json:"state,omitempty"`
	Size    int          `json:"size,omitempty"`

	// The session with the agents it is for; empty: none.
	Handover string       `json:"handover,omitempty"`
	Again    bool         `json:"again,omitempty"`    // it was attempted in an earlier session
	Done     int          `json:"done,omitempty"`     // parts that Genesys accepted
	Attempts int          `json:"attempts,omitempty"` // failed attempts in this session
	First    machine.Time `json:"first,omitempty"`    // the first attempt in this session

	Conversation string `json:"conversation,omitempty"` // sent: the id in the answer
	Unplaced     bool   `json:"unplaced,omitempty"`     // sent, and the answer had no id
	// Sent: when Genesys had accepted it at the latest, by its clock: the Date of the answer + 1 s,
	// or when the answer arrived.
	SentAt machine.Time `json:"sentAt,omitempty"`
	Reason string       `json:"reason,omitempty"` // refused: the reason
	Return uint64       `json:"return,omitempty"` // seq of the Return that contains it
}

type wordState string

// The states of a word.
const (
	WordWaiting wordState = ""
	WordUnsure  wordState = "unsure" // an attempt may have taken effect
	wordSent    wordState = "sent"
	wordRefused wordState = "refused"
)

// The limits of the ledger. Beyond them, the content of refused words and of the oldest sent ones
// is dropped.
const (
	maxWords, wordsBytes         = 100, 256 << 10 // that wait
	maxSentWords, sentBytes      = 20, 64 << 10   // sent, with their content
	maxSentIDs                   = 64             // sent, without it
	maxRefusedWords, refusedSize = 32, 128 << 10
)

// pending reports whether a word is still to be sent.
func (w *Word) pending() bool { return w.State == WordWaiting || w.State == WordUnsure }

// attempted reports whether Genesys may have some of a word.
func (w *Word) attempted() bool {
	return w.Again || w.Done > 0 || w.State == WordUnsure || w.State == wordSent
}

// placedIn reports whether a word may be in the conversation of a session.
func (w *Word) placedIn(c *machine.Handover) bool {
	return w.Conversation == "" || c.ConversationID == "" || w.Conversation == c.ConversationID
}

// sentIn reports whether a word was sent in a session. That includes a word of an earlier session
// in the same conversation.
func (w *Word) sentIn(c *machine.Handover) bool {
	return !w.Again || w.Conversation != "" && w.Conversation == c.ConversationID
}

// unanswered returns the word as a Return contains it.
func (w *Word) unanswered() Unanswered {
	return Unanswered{Message: *w.Message.clone(), Sent: w.attempted(), Reason: w.Reason}
}

// entry returns the word as an entry of the lane to Genesys.
func (w *Word) entry() Entry {
	kind := KindMessage
	if w.Message.Reply != nil {
		kind = KindReply
	}
	return Entry{
		Seq: w.Seq, Kind: kind, Handover: w.Handover, At: w.At, HostID: w.ID, Wire: w.Wire, Done: w.Done,
		Attempts: w.Attempts, First: w.First, Unsure: w.State == WordUnsure, Message: w.Message, Again: w.Again,
	}
}

// word returns the word with a seq, or nil.
func (f *Record) word(seq uint64) *Word {
	return find(f.Words, func(w *Word) bool { return w.Seq == seq })
}

// Agents returns the open session in which the agents have the turn, or nil.
func (f *Record) Agents() *machine.Handover {
	if c := f.Open(); c != nil && c.State.Agents() {
		return c
	}
	return nil
}

// Sending returns the session that gets new words, or nil. In a session that is ending, new words
// wait for the next session or Return.
func (f *Record) Sending() *machine.Handover {
	if c := f.Agents(); c != nil && c.State != machine.StateEnding {
		return c
	}
	return nil
}

// accept appends a message of the customer to the ledger.
func (tx *Transaction) accept(m Message) {
	w := Word{Seq: tx.NextSeq(), ID: m.ID, Message: &m, At: tx.Now, Size: SizeOf(m)}
	w.Wire = tx.wireTime(tx.Now, m.parts())
	if c := tx.Sending(); c != nil {
		w.Handover, c.CustomerAt = c.ID, tx.Now
	}
	tx.Words = append(tx.Words, w)
}

// backlog reports whether the ledger has no room for a message.
func (f *Record) backlog(m Message) bool {
	n, size := 0, SizeOf(m)
	for i := range f.Words {
		if w := &f.Words[i]; w.pending() {
			n++
			size += w.Size
		}
	}
	return n >= maxWords || size > wordsBytes
}

// posting reports whether a word is being sent now. Its outcome decides how it continues.
func (f *Record) posting(w *Word, now machine.Time) bool {
	l := f.Out.Lease
	return l.Owner != "" && l.Seq == w.Seq && !l.Free(now)
}

// nextWord returns the word that is sent next, or nil. A word that the session's conversation
// already contains is not sent again.
func (f *Record) nextWord() *Word {
	c := f.Open()
	if c == nil {
		return nil
	}
	return find(f.Words, func(w *Word) bool {
		return w.Handover == c.ID && w.Return == 0 && w.Message != nil &&
			(w.pending() || w.State == wordSent && c.ConversationID != "" && !w.sentIn(c))
	})
}

// head returns the next entry for Genesys: the opening is first, and the text that the customer has
// left is last.
func (f *Record) head() (Entry, bool) {
	// An earlier text belongs to the last session, and its attempt is not over.
	if x := find(f.Out.Entries, func(x *Entry) bool { return x.Kind != kindLeft }); x != nil {
		return *x, true
	}
	if w := f.nextWord(); w != nil {
		return w.entry(), true
	}
	if len(f.Out.Entries) > 0 {
		return f.Out.Entries[0], true
	}
	return Entry{}, false
}

// EntriesOut lists the entries that wait for Genesys, in order.
func (f *Record) EntriesOut() []Entry {
	isLeft := func(x Entry) bool { return x.Kind == kindLeft }
	list := slices.DeleteFunc(slices.Clone(f.Out.Entries), isLeft)
	for i := range f.Words {
		if w := &f.Words[i]; w.Handover != "" && w.pending() {
			list = append(list, w.entry())
		}
	}
	return append(list, slices.DeleteFunc(slices.Clone(f.Out.Entries), func(x Entry) bool { return !isLeft(x) })...)
}

// headReady returns when the head of the lane to Genesys may be sent. ok is false if there is none.
func (f *Record) headReady() (at machine.Time, ok bool) {
	h, ok := f.head()
	if !ok {
		return 0, false
	}
	at = machine.Later(f.Out.NotBefore, h.NotBefore, h.At)
	if c := f.Open(); h.Kind == KindOpen && c != nil && c.OpeningTriedAt.IsZero() && f.closing(c.From) {
		at = machine.Later(at, c.Started.Add(gatePatience))
	}
	return at, true
}

// Sends reports whether an entry or word of the open session waits for Genesys or is being sent.
func (f *Record) Sends() bool {
	_, ok := f.head()
	return ok
}

// distribute assigns every word to the side that has to answer for it. The result depends on the
// state alone. Every transaction ends with it.
func (tx *Transaction) distribute() {
	if tx.Agents() != nil {
		tx.dropReturns()
		if tx.Sending() != nil { // otherwise it is ending: running attempts continue
			tx.assign()
		}
		return
	}
	tx.nameUnkept(func(w *Word) bool { return w.Return == 0 })
	if tx.Handover != nil && tx.returnable() && tx.pendingReturn() < 0 {
		tx.pushReturn(true) // the words still name their session
	}
	for i := range tx.Words {
		if w := &tx.Words[i]; w.Handover != "" && !tx.posting(w, tx.Now) {
			w.release()
		}
	}
}

// release removes a word from its session.
func (w *Word) release() {
	w.Again = w.attempted()
	w.Handover = ""
}

// AbandonPost ends the attempt under the lease of the lane to Genesys. Its outcome is unknown.
func (tx *Transaction) AbandonPost() {
	if w := tx.word(tx.Out.Lease.Seq); w != nil {
		if w.State == WordWaiting {
			w.State = WordUnsure
		}
		tx.wroteLate(w.Handover, "")
	}
	if tx.Out.begun() {
		tx.Out.Entries[0].Unsure = true
		tx.wroteLate(tx.Out.Entries[0].Handover, "")
	}
	tx.Out.Lease = Lease{}
}

// dropReturns removes the Returns without a running attempt while an agent session is open, because
// its agents answer for their words.
func (tx *Transaction) dropReturns() {
	first := 0
	if tx.In.busy(tx.Now) {
		first = 1
	}
	for {
		i := slices.IndexFunc(tx.In.Entries[first:], func(x Entry) bool { return x.Kind == KindReturn })
		if i < 0 {
			return
		}
		tx.thaw(tx.In.remove(first + i).Seq)
		tx.In.join(first + i) // this moves the others
	}
}

// thaw removes all words from a Return.
func (tx *Transaction) thaw(seq uint64) {
	for i := range tx.Words {
		if w := &tx.Words[i]; w.Return == seq {
			w.Return = 0
			tx.ForwardedIDs.replace(w.ID, forwardedID, tx.Now)
		}
	}
}

// assign adds the words without a session to the open one, in order. These words and all later ones
// get new wire times.
func (tx *Transaction) assign() {
	c, shift := tx.Sending(), false
	unkept := false
	for i := range tx.Words {
		w := &tx.Words[i]
		if w.Return != 0 || w.State == wordRefused || tx.posting(w, tx.Now) {
			continue
		}
		if w.Handover != c.ID {
			w.release()
			w.Handover, w.Done, w.Attempts, w.First = c.ID, 0, 0, 0
			c.CustomerAt = tx.Now
			shift, unkept = true, unkept || w.Message == nil
		}
		if shift && w.Message != nil && w.Attempts == 0 && w.Done == 0 {
			w.Wire = tx.wireTime(tx.Now, w.Message.parts())
		}
	}
	if unkept {
		tx.nameUnkept(func(w *Word) bool { return w.Again })
	}
}

// nameUnkept removes each word that can be neither sent nor returned, because its content was
// dropped, and adds a notice for it.
func (tx *Transaction) nameUnkept(of func(*Word) bool) {
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool {
		if w.Message != nil || !of(&w) {
			return false
		}
		tx.notKept(w.ID)
		return true
	})
}

// notKept reports a word that Genesys accepted, that no agent answered, and that is not returned.
func (tx *Transaction) notKept(id string) {
	tx.MessageFailed(id, "Genesys accepted the message, no agent answers for it, and it is too old to be returned")
}

// returnable reports whether a Return is needed: there are words that no Return contains and that
// are not being sent.
func (tx *Transaction) returnable() bool {
	return slices.ContainsFunc(tx.Words, func(w Word) bool { return tx.free(&w) })
}

// free reports whether a word may go into a Return.
func (tx *Transaction) free(w *Word) bool {
	return w.Return == 0 && w.Message != nil && !tx.posting(w, tx.Now)
}

// pendingReturn returns the index of the Return that was not attempted yet, or -1.
func (f *Record) pendingReturn() int {
	return slices.IndexFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn && !x.Unsure })
}

// pushReturn queues a Return of the last session that is over. The first one of a session waits a
// little, for messages that Genesys has not posted yet. later marks any other.
func (tx *Transaction) pushReturn(later bool) {
	s, notBefore := tx.Handover.Session, tx.Now
	if !later {
		notBefore = tx.Now.Add(returnHold)
	}
	if s.Open() {
		s = tx.lastOver()
	}
	tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindReturn, Handover: s.ID, At: tx.Now, NotBefore: notBefore, Session: &s, Later: later})
}

// lastOver returns the last session before the open one. After Forget only its Return still
// contains it, and its words still name it.
func (tx *Transaction) lastOver() machine.Session {
	if len(tx.Past) > 0 {
		return tx.Past[0].Session
	}
	for _, x := range slices.Backward(tx.In.Entries) {
		if x.Kind == KindReturn && x.Session != nil && x.Session.ID != tx.Handover.ID {
			return *x.Session
		}
	}
	for i := range slices.Backward(tx.Words) {
		if w := &tx.Words[i]; w.Handover != "" && w.Handover != tx.Handover.ID {
			return tx.SessionOf(w.Handover)
		}
	}
	return tx.Handover.Session
}

// freeze fixes the words of a Return at its first attempt, so that the host always receives the
// same content under one id.
func (tx *Transaction) freeze(r *Entry) {
	if r.Unsure {
		return
	}
	r.Unsure = true
	if tx.Handover != nil && tx.Handover.ID == r.Handover {
		tx.Handover.Returned = true
	}
	for i := range tx.Words {
		if w := &tx.Words[i]; tx.free(w) {
			w.Return = r.Seq
			tx.ForwardedIDs.replace(w.ID, returnedID, tx.Now)
			if w.attempted() {
				tx.ForwardedIDs.reached(w.ID)
			}
		}
	}
}

// unfreeze makes a Return pending again if its first attempt could not begin, because the host has
// not received it.
func (tx *Transaction) unfreeze(r *Entry) {
	seq := r.Seq
	r.Unsure = false
	if tx.Handover != nil && tx.Handover.ID == r.Handover && !r.Later {
		tx.Handover.Returned = false
	}
	tx.thaw(seq)
	for { // join moves entries, r too
		i := slices.IndexFunc(tx.In.Entries, func(x Entry) bool { return x.Kind == KindReturn && x.Later && !x.Unsure && x.Seq != seq })
		if i < 0 {
			return
		}
		tx.In.remove(i) // r contains its words, too
		tx.In.join(i)
	}
}

// Unanswered lists the words of a Return.
func (f *Record) Unanswered(seq uint64) []Unanswered {
	var list []Unanswered
	for i := range f.Words {
		if w := &f.Words[i]; w.Return == seq && w.Message != nil {
			list = append(list, w.unanswered())
		}
	}
	return list
}

// removeWords removes the words of a Return that the host has accepted, or that was dropped.
func (f *Record) removeWords(seq uint64) {
	f.Words = slices.DeleteFunc(f.Words, func(w Word) bool { return w.Return == seq })
}

// answered removes the words sent up to a time of Genesys' clock, because an agent is there to
// answer for them. With seen, a read shows the agent in the conversation. Without it, the proof is
// a message of the agent, which does not answer for a word with an unknown conversation.
func (tx *Transaction) answered(at machine.Time, seen bool) {
	c := tx.Open()
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool {
		switch {
		case w.State != wordSent || w.Return != 0 || w.SentAt.After(at) || c == nil || w.Handover != c.ID || !w.sentIn(c):
			return false
		case w.Unplaced:
			return seen
		default:
			return w.placedIn(c)
		}
	})
}

// answeredByEnd removes the words sent before the agents of an ended session left, but not those in
// another conversation than theirs.
func (tx *Transaction) answeredByEnd(c *machine.Handover) {
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool {
		return w.State == wordSent && w.Return == 0 && w.Handover == c.ID && !c.Unanswered(w.SentAt) && w.sentIn(c) && w.placedIn(c)
	})
}

// trim limits the sent and refused words that are kept: it drops first content, then ids. Each
// dropped word has had a notice, or gets one.
func (tx *Transaction) trim() {
	sent, sentSize, ids, refused, refusedBytes := 0, 0, 0, 0, 0
	for i := len(tx.Words) - 1; i >= 0; i-- {
		w := &tx.Words[i]
		switch {
		case w.Return != 0:
		case w.State == wordSent && w.Message != nil:
			sent++
			if sentSize += w.Size; sent > maxSentWords || sentSize > sentBytes {
				w.Message, w.Size = nil, 0
				ids++
			}
		case w.State == wordSent:
			ids++
		case w.State == wordRefused:
			refused++
			if refusedBytes += w.Size; refused > maxRefusedWords || refusedBytes > refusedSize {
				// Its notice was sent when it was refused.
				tx.logOnce("a message that Genesys refused will not be handed back, since too many were refused", "")
				tx.Words = slices.Delete(tx.Words, i, i+1)
			}
		}
	}
	for i := 0; ids > maxSentIDs && i < len(tx.Words); {
		if w := tx.Words[i]; w.State != wordSent || w.Message != nil {
			i++
			continue
		}
		tx.notKept(tx.Words[i].ID)
		tx.Words = slices.Delete(tx.Words, i, i+1)
		ids--
	}
}

// Reply decides who answers a message for which the bot has prepared an answer.
func (tx *Transaction) Reply(msg Message) (machine.Turn, error) {
	verdict := tx.ForwardedIDs.Recall(msg.ID)
	// A Return passes it to the bot again.
	repeated := verdict == returnedID && tx.returnAwaited() && !tx.returnRuns(tx.Now)
	if tx.Turn(tx.Now) == machine.TurnBot && verdict != forwardedID && !repeated {
		return machine.TurnBot, ErrUnchanged
	}
	return tx.Forward(msg)
}

// Forward decides who receives a message, and stores it unless that is the bot.
func (tx *Transaction) Forward(msg Message) (machine.Turn, error) {
	switch verdict := tx.ForwardedIDs.Recall(msg.ID); {
	case verdict == forwardedID:
		return machine.TurnAgent, ErrUnchanged
	case verdict == transcriptID:
		return tx.Turn(tx.Now), ErrUnchanged
	case verdict == returnedID && tx.Agents() == nil && !tx.returnAwaited():
		return machine.TurnAgent, ErrUnchanged
	case verdict != returnedID && tx.Agents() == nil && !tx.returning():
		return machine.TurnBot, ErrUnchanged
	}
	if err := msg.validate(); err != nil {
		return "", err
	}
	if tx.backlog(msg) {
		return "", ErrBacklog
	}
	again := tx.omitFromReturns(msg.ID) || tx.ForwardedIDs.hasReached(msg.ID)
	tx.accept(msg)
	tx.Words[len(tx.Words)-1].Again = again
	tx.ForwardedIDs.replace(msg.ID, forwardedID, tx.Now)
	return machine.TurnAgent, nil
}

// returning reports whether words of the customer are in a Return or wait for one. The bot must not
// answer later messages first.
func (f *Record) returning() bool { return len(f.Words) > 0 || f.returns() }

// returnAwaited reports whether a Return is to be attempted, for the first time or again.
func (f *Record) returnAwaited() bool {
	return slices.ContainsFunc(f.In.Entries, func(x Entry) bool {
		return x.Kind == KindReturn && (!f.In.begun() || f.In.Entries[0].Seq != x.Seq)
	})
}

// omitFromReturns removes a message that the host passes to the agents from its Return, and reports
// whether Genesys may have it. A running callback has a copy.
func (tx *Transaction) omitFromReturns(id string) (attempted bool) {
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool {
		held := w.ID == id && w.Return != 0
		attempted = attempted || held && w.attempted()
		return held
	})
	return attempted
}

// rememberTranscript remembers the customer's messages that a transcript contains, so that they are
// not sent to the agents again. A message that was stored before keeps its verdict. Only the newest
// are remembered, so that they do not displace the ids of stored messages.
func (tx *Transaction) rememberTranscript(ids []string) {
	for _, id := range last(ids, keepMarks) {
		if v := tx.ForwardedIDs.Recall(id); v != forwardedID && v != transcriptID {
			tx.omitFromReturns(id)
			tx.ForwardedIDs.replace(id, transcriptID, tx.Now)
		}
	}
}

// SizeOf returns the size of a message in the record, in bytes.
func SizeOf(m Message) int {
	b, err := json.Marshal(m)
	if err != nil {
		return len(m.Text)
	}
	return len(b)
}
