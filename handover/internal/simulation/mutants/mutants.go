package main

import (
	"fmt"
	"strings"
)

// A mutant is a bug to plant: in a file below handover/internal, the one occurrence of a text is
// replaced.
type mutant struct {
	mechanism string
	bug       string // what is wrong then
	file      string
	old, new  string
}

func (m *mutant) name() string { return m.mechanism + "/" + m.bug }

// plant returns the source with the bug in it.
func (m *mutant) plant(source string) (string, error) {
	if n := strings.Count(source, m.old); n != 1 {
		return "", fmt.Errorf("%s has the text %d times and not once: %s", m.file, n, m.old)
	}
	return strings.Replace(source, m.old, m.new, 1), nil
}

// The bugs, by the mechanism that they break. A bug that survives shows a behaviour that the
// simulation lacks.
//
//nolint:gochecknoglobals,lll // a constant; source lines are as long as they are
var mutants = []mutant{
	{
		"ledger", "a settled word is sent again", "record/ledger.go",
		`(w.pending() || w.State == wordSent && c.ConversationID != "" && !w.sentIn(c))`,
		`(w.pending() || w.State == wordSent && c.ConversationID != "")`,
	},
	{
		"ledger", "words of an earlier session are not assigned", "record/ledger.go",
		"if w.Handover != c.ID {\n\t\t\tw.release()",
		"if w.Handover != c.ID && w.Handover == \"\" && w.State == WordWaiting && !w.Again {\n\t\t\tw.release()",
	},
	{
		"ledger", "assigned words keep their wire times", "record/ledger.go",
		`if shift && w.Message != nil && w.Attempts == 0 && w.Done == 0 {`,
		`if shift && w == nil {`,
	},
	{
		"ledger", "an agent answers for what was sent after the message", "record/ledger.go",
		`case w.State != wordSent || w.Return != 0 || w.SentAt.After(at) ||`,
		`case w.State != wordSent || w.Return != 0 ||`,
	},
	{
		"ledger", "an end answers for what was sent after it", "record/ledger.go",
		`w.Handover == c.ID && !c.Unanswered(w.SentAt) && w.sentIn(c)`,
		`w.Handover == c.ID && !c.Connected.IsZero() && w.sentIn(c)`,
	},
	{
		"ledger", "a word in another conversation counts as answered", "record/ledger.go",
		`return w.Conversation == "" || c.ConversationID == "" || w.Conversation == c.ConversationID`,
		`return true`,
	},
	{
		"ledger", "a dead process leaves a word as never attempted", "record/ledger.go",
		`if w := tx.word(tx.Out.Lease.Seq); w != nil {`,
		`if w := tx.word(tx.Out.Lease.Seq); w != nil && w.Again {`,
	},
	{
		"ledger", "a word that is being posted goes into a Return", "record/ledger.go",
		`return w.Return == 0 && w.Message != nil && !tx.posting(w, tx.Now)`,
		`return w.Return == 0 && w.Message != nil`,
	},
	{
		"ledger", "an ambiguous attempt is not noted", "record/settle.go",
		"\tcase w.State == WordWaiting:\n\t\tw.State = WordUnsure\n",
		"\tcase w.State == WordWaiting:\n",
	},
	{
		"ledger", "a released word forgets that it was attempted", "record/ledger.go",
		"w.Again = w.attempted()\n\tw.Handover = \"\"",
		"w.Again = false\n\tw.Handover = \"\"",
	},
	{
		"returns", "words after the last Return get none", "record/ledger.go",
		`if tx.Handover != nil && tx.returnable() && tx.pendingReturn() < 0 {`,
		`if tx.Handover != nil && tx.returnable() && tx.pendingReturn() < 0 && !tx.Handover.Returned {`,
	},
	{
		"returns", "a Return is not frozen", "record/ledger.go",
		"\t\tif w := &tx.Words[i]; tx.free(w) {\n\t\t\tw.Return = r.Seq",
		"\t\tif w := &tx.Words[i]; tx.free(w) && i == 0 {\n\t\t\tw.Return = r.Seq",
	},
	{
		"returns", "an agent session leaves Returns in the lane", "record/ledger.go",
		"\tif tx.In.busy(tx.Now) {\n\t\tfirst = 1\n\t}\n\tfor {",
		"\tif len(tx.In.Entries) > 0 {\n\t\tfirst = 1\n\t}\n\tfor {",
	},
	{
		"returns", "a running Return is dropped", "record/ledger.go",
		"\tif tx.In.busy(tx.Now) {\n\t\tfirst = 1\n\t}\n\tfor {",
		"\tfor {",
	},
	{
		"returns", "a dropped Return keeps its words", "record/ledger.go",
		`tx.thaw(tx.In.remove(first + i).Seq)`,
		`tx.In.remove(first + i)`,
	},
	{
		"returns", "a session without words gets no Return", "record/transaction.go",
		`if !c.AgentRequestedAt.IsZero() || !c.Connected.IsZero() || tx.returnable() {`,
		`if tx.returnable() {`,
	},
	{
		"returns", "each tidy makes a Return", "record/transaction.go",
		"\tc.HandedBack = true\n\ttx.answeredByEnd(c)",
		"\tc.HandedBack = len(tx.Words) == 0\n\ttx.answeredByEnd(c)",
	},
	{
		"returns", "messages are sent while a Return runs", "record/tasks.go",
		`return c != nil && (c.MovedTo != "" || f.waitsForReturn())`,
		`return c != nil && c.MovedTo != ""`,
	},
	{
		"returns", "a taken Return leaves its words", "record/settle.go",
		"\ttx.removeWords(x.Seq)\n\ttx.AddLog(\"given back to the bot\", \"\")",
		`	tx.AddLog("given back to the bot", "")`,
	},
	{
		"turn", "the bot speaks before the Return", "record/transaction.go",
		`	case !f.returnRuns(now) && slices.ContainsFunc(`,
		`	case false && slices.ContainsFunc(`,
	},
	{
		"turn", "a session that ends has the bot's turn", "record/ledger.go",
		"if c := f.Open(); c != nil && c.State.Agents() {\n\t\treturn c",
		"if c := f.Open(); c != nil && c.State.Agents() && c.State != machine.StateEnding {\n\t\treturn c",
	},
	{
		"turn", "a duplicate is stored twice", "record/ledger.go",
		"\tcase verdict == forwardedID:\n\t\treturn machine.TurnAgent, ErrUnchanged\n\tcase verdict == transcriptID:",
		`	case verdict == transcriptID:`,
	},
	{
		"turn", "a message during a Return goes to the bot", "record/ledger.go",
		`case verdict != returnedID && tx.Agents() == nil && !tx.returning():`,
		`case verdict != returnedID && tx.Agents() == nil:`,
	},
	{
		"turn", "what a Return gave is stored again", "record/ledger.go",
		`case verdict == returnedID && tx.Agents() == nil && !tx.returnAwaited():`,
		`case verdict == returnedID && tx.Agents() == nil && tx.Key.Channel == "":`,
	},
	{
		"turn", "a message taken back stays in the Return", "record/ledger.go",
		`		held := w.ID == id && w.Return != 0`,
		`		held := false && w.ID == id && w.Return != 0`,
	},
	{
		"opening", "it does not wait for what is closed", "record/ledger.go",
		`h.Kind == KindOpen && c != nil && c.OpeningTriedAt.IsZero() && f.closing(c.From)`,
		`h.Kind == KindOpen && c == nil`,
	},
	{
		"opening", "a disconnect runs at the same time", "record/watched.go",
		`c.ConversationID == "" && w.From == c.From`,
		`c.ConversationID == "" && w.From == c.ID`,
	},
	{
		"opening", "it runs during a disconnect", "record/lane.go",
		`ok = ok && !tx.paused() && (h.Kind != KindOpen || !tx.closes())`,
		`ok = ok && !tx.paused() && (h.Kind != KindOpen || tx.Key.Channel != "" || !tx.closes())`,
	},
	{
		"opening", "its conversation is still closed", "record/transaction.go",
		`if named && next.Open() {`,
		`if named && !next.Open() {`,
	},
	{
		"opening", "the message of a late one stays open", "record/settle.go",
		"\tcase !open:\n\t\ttx.sentLate(j, x, o)",
		`	case !open:`,
	},
	{
		"opening", "the transfer overtakes the context", "engine/perform.go",
		`case r.Err == nil && m.mustTransfer(&next, r) && !f.ContextWaits():`,
		`case r.Err == nil && m.mustTransfer(&next, r):`,
	},
	{
		"opening", "its time is not known", "record/lane.go",
		`if head.Kind == KindOpen && tx.Handover.OpeningTriedAt.IsZero() {`,
		`if head.Kind == KindOpen && tx.Handover.OpeningTriedAt.IsZero() && len(tx.Past) == 0 {`,
	},
	{
		"watched", "a live agent is disconnected", "record/watched.go",
		`return r.Err == nil && r.Live() && !r.WithAgent()`,
		`return r.Err == nil && r.Live()`,
	},
	{
		"watched", "a live agent is not adopted", "record/watched.go",
		"\t\treturn live\n\t}\n}",
		"\t\treturn live && false\n\t}\n}",
	},
	{
		"watched", "our own end opens a session", "record/watched.go",
		`case f.Agents() != nil || !w.EndedAt.IsZero() && !w.WroteAt.After(w.EndedAt):`,
		`case f.Agents() != nil:`,
	},
	{
		"watched", "what remains is not closed", "record/watched.go",
		"\tcase c.Leftover != machine.LeftoverNone:\n\t\ttx.close(c, c.ConversationID, c.Leftover == machine.LeftoverRequested)",
		"\tcase c.Leftover == machine.LeftoverRequested:\n\t\ttx.close(c, c.ConversationID, true)",
	},
	{
		"watched", "the conversation after a move is not closed", "record/watched.go",
		"\ttx.close(c, c.MovedTo, false)\n",
		``,
	},
	{
		"watched", "a revived conversation is not looked at", "record/watched.go",
		`case c.Ending.Code == machine.CodeConversationMoved || tx.Now.Sub(c.LastWriteAt) < lookPause:`,
		`case tx.Now.Sub(c.LastWriteAt) < 0:`,
	},
	{
		"watched", "a stale read is believed", "record/watched.go",
		"return r.Legs.Newest.Before(w.Newest)\n\t}\n}",
		"return false\n\t}\n}",
	},
	{
		"watched", "a person who writes elsewhere is not noticed", "record/receive.go",
		`case human && o.ConversationID != "" && (tx.Open() == nil || tx.Handover.ConversationID != o.ConversationID):`,
		`case human && o.ConversationID != "" && tx.Open() != nil && tx.Handover.ConversationID != o.ConversationID:`,
	},
	{
		"lanes", "a message overtakes one that is being delivered", "record/transaction.go",
		"\t\tfirst = 1\n\t\tif h :=",
		"\t\tif h :=",
	},
	{
		"lanes", "messages pass notices", "record/transaction.go",
		"\t\treturn !d.Time.IsZero() && d.Time.Before(other.Delivery.Time)\n\tdefault:\n\t\treturn false",
		"\t\treturn !d.Time.IsZero() && d.Time.Before(other.Delivery.Time)\n\tdefault:\n\t\treturn true",
	},
	{
		"lanes", "an agent's message follows what follows the Return", "record/transaction.go",
		`if r := tx.returnOf(d.Session.ID); r >= first && !d.Late {`,
		`if r := tx.returnOf(d.Session.ID); r >= first && d.Late {`,
	},
	{
		"lanes", "flow messages are not held", "record/receive.go",
		"\t\tuntil = tx.Now.Add(flowHold)\n",
		"\t\tuntil = tx.Now\n",
	},
	{
		"lanes", "the outcome of another entry settles the head", "record/settle.go",
		`if len(tx.In.Entries) == 0 || tx.In.Entries[0].Seq != seq {`,
		`if len(tx.In.Entries) == 0 || seq == 0 {`,
	},
	{
		"lanes", "an outcome is settled twice", "record/settle.go",
		`if w.Done != x.Done || !w.pending() && (w.State != wordSent || !w.Again) {`,
		`if !w.pending() && w.State != wordSent {`,
	},
	{
		"lanes", "a failed notice is dropped", "record/settle.go",
		`	case tx.Now.Sub(x.At) >= limit:`,
		`	case limit > 0 && x.Attempts > 1:`,
	},
	{
		"lanes", "wire times repeat", "record/record.go",
		`if least := f.WireTime.Add(time.Millisecond); at.Before(least) {`,
		`if least := f.WireTime; at.Before(least) {`,
	},
	{
		"lanes", "a callback that ignores its context does not block its lane", "record/settle.go",
		`		tx.In.Stuck = j.StuckUntil()`,
		`		tx.In.Stuck = 0`,
	},
	{
		"tenants", "a channel that is removed stays known", "engine/channels.go",
		`channelTime   = time.Minute`,
		`channelTime   = time.Hour`,
	},
	{
		"tenants", "a Manager works on the records of every channel", "engine/run.go",
		`	all := m.channelID("")`,
		`	all := ""`,
	},
	{
		"tenants", "a webhook is for the channel without a name", "engine/receive.go",
		`	as := machine.Key{Channel: m.channelID(channel), Customer: o.CustomerID}`,
		`	as := machine.Key{Channel: m.channelID(""), Customer: o.CustomerID}`,
	},
	{
		"leases", "they are free at their end", "record/lane.go",
		`return l.Owner == "" || !now.Before(l.Until.Add(LeaseGrace))`,
		`return l.Owner == "" || !now.Before(l.Until.Add(-EffectTime))`,
	},
	{
		"leases", "another replica takes them at once", "engine/update.go",
		`case !m.running, !l.Free(tx.Now) && l.Owner != m.owner:`,
		`case !m.running, l.Owner == "none":`,
	},
	{
		"leases", "an effect starts late", "engine/perform.go",
		`if m.Now().Sub(j.Began) > record.EffectStart {`,
		`if m.Now().Sub(j.Began) > record.LeaseTime*4 {`,
	},
	{
		"leases", "one of a dead process wakes no replica", "record/lane.go",
		`	return machine.Later(at, l.Until.Add(LeaseGrace))`,
		`	return 0`,
	},
	{
		"leases", "a lane is performed twice in a process", "engine/update.go",
		"\tcase m.busy[busyLane{tx.Key, n}]:\n\t\treturn seat{}, false\n",
		``,
	},
	{
		"leases", "a conflict is taken for success", "engine/update.go",
		"case err == nil || errors.Is(err, record.ErrConflict):\n\t\treturn err",
		"case err == nil || errors.Is(err, record.ErrConflict):\n\t\treturn nil",
	},
	{
		"leases", "an unknown outcome is taken for success", "engine/update.go",
		`return fmt.Errorf("%w: %w: %w", record.ErrUnsure, record.ErrConflict, err)`,
		`return nil`,
	},
	{
		"reads", "one that began before the last change moves the session", "machine/apply.go",
		`stale := e.Outdated || e.Began.Before(t.ChangedAt) || e.Legs.Newest.Before(t.Newest)`,
		`stale := e.Legs.Newest.Before(t.Newest)`,
	},
	{
		"reads", "one soon after our write ends the session", "machine/apply.go",
		`if t.MovedTo != "" || e.Began.Sub(t.LastWriteAt) >= SettlePeriod {`,
		`if true {`,
	},
	{
		"reads", "an end is never confirmed", "machine/apply.go",
		"if !e.Began.Before(t.Unconfirmed.At) { // we wrote again since the first one\n\t\treturn true",
		"if false {\n\t\treturn true",
	},
	{
		"reads", "the last of many signals is lost", "machine/apply.go",
		"\tif wanted.IsZero() || !t.Open() {\n\t\treturn\n\t}\n\tif at :=",
		"\treturn\n\tif at :=",
	},
	{
		"reads", "no poll follows", "machine/apply.go",
		"\t\tt.PollAt = t.Now.Add(t.PollEvery)\n",
		"\t\tt.PollAt = 0\n",
	},
	{
		"reads", "the bot queue does not end a session", "machine/apply.go",
		`	if (t.Routing == RouteByTransfer || t.BotQueue != "") && t.InBotQueue(s) {`,
		`	if t.BotQueue == "none" && t.InBotQueue(s) {`,
	},
	{
		"reads", "a customer who is alone stays", "machine/apply.go",
		"\tif !e.Began.Before(end) {\n\t\tt.came(e)",
		"\tif !e.Began.Before(end.Add(3000 * AlonePatience)) {\n\t\tt.came(e)",
	},
	{
		"reads", "a transfer for a moment without an agent ends the session", "machine/session.go",
		`AlonePatience  = 2 * time.Minute`,
		`AlonePatience  = time.Nanosecond`,
	},
	{
		"reads", "earlier legs end the new session", "engine/perform.go",
		`conversation, r := k.account.Look(ctx, s, c.ConversationID, c.LegsSince(), c.Before)`,
		`conversation, r := k.account.Look(ctx, s, c.ConversationID, machine.Since{}, "")`,
	},
	{
		"ends", "an old message of an agent revives the session", "machine/apply.go",
		"\tif t.State == StateEnding {\n\t\treturn\n\t}\n\tif t.State != StateConnected || back {",
		`	if t.State != StateConnected || back {`,
	},
	{
		"ends", "the host's end is not disconnected", "machine/timers.go",
		`return c.Disconnects < MaxDisconnects && now.Sub(c.DisconnectedAt) >= SettlePeriod`,
		`return false`,
	},
	{
		"ends", "a move is ignored", "machine/apply.go",
		"\tt.MovedTo, t.MovedAt = e.Conversation, t.Now\n",
		"\tt.MovedAt = t.Now\n",
	},
	{
		"ends", "an end by a timer waits for nothing", "record/tasks.go",
		"\tcase c.Unconfirmed.Phase != \"\":\n",
		"\tcase false:\n",
	},
	{
		"ends", "waiting words are dropped at the end", "record/transaction.go",
		"\tcase tx.Sends():\n\tcase c.LeftSent:",
		"\tcase tx.Sends() && len(tx.Words) == 0:\n\tcase c.LeftSent:",
	},
	{
		"ends", "the end overtakes what waits", "engine/perform.go",
		`case next.State == machine.StateEnding && !f.Sends() && next.MustDisconnect(m.now()):`,
		`case next.State == machine.StateEnding && next.MustDisconnect(m.now()):`,
	},
	{
		"transfer", "it is made twice", "engine/perform.go",
		`m.now().Sub(c.Transferred) >= machine.TransferPause`,
		`m.now().Sub(c.Transferred) >= 0`,
	},
	{
		"transfer", "from any queue", "engine/perform.go",
		`r.Standing.Phase == genesys.PhaseQueued && c.InBotQueue(r.Standing) &&`,
		`r.Standing.Phase == genesys.PhaseQueued &&`,
	},
	{
		"transfer", "it is not noted", "machine/apply.go",
		"\tt.LastQueueID = t.QueueID\n\tt.enter(StateQueued)\n",
		"\tt.LastQueueID = t.QueueID\n",
	},
	{
		"transfer", "a doubtful one is repeated at once", "record/tasks.go",
		"tx.Handover.Transferred, tx.Handover.LastWriteAt, tx.Handover.TransferDoubt = tx.Now, tx.Now, true",
		"tx.Handover.LastWriteAt = tx.Now",
	},
	{
		"gaps", "what is missing is not fetched", "engine/perform.go",
		"\tif o.GapErr = k.account.MayFetch(); len(g.Missing) == 0 {\n\t\treturn\n\t}",
		`	return`,
	},
	{
		"gaps", "a fetched message is delivered again", "record/reading.go",
		`if !m.Outbound || !ok || tx.ReceivedIDs.Recall(m.Message.ID) != UnknownID {`,
		`if !m.Outbound || !ok {`,
	},
	{
		"gaps", "the end overtakes missing messages", "record/reading.go",
		`	if endWaits = tx.endWaits(c, o, all); endWaits {`,
		`	if endWaits = tx.endWaits(c, o, all); endWaits && all {`,
	},
	{
		"gaps", "an ended session is not looked at again", "record/reading.go",
		"\tcase g.young || !all:\n\t\ttx.repair(c, o.Read, tx.Now.Add(webhookLife+machine.SettlePeriod))",
		"\tcase g.young && !all:\n\t\ttx.repair(c, o.Read, tx.Now.Add(webhookLife+machine.SettlePeriod))",
	},
	{
		"gaps", "each lost message gets a notice", "record/reading.go",
		"\tif !first {\n\t\treturn\n\t}\n",
		``,
	},
	{
		"gaps", "a young message counts as missing", "record/reading.go",
		`		case began.Sub(at) < patience:`,
		`		case began.Sub(at) < -patience:`,
	},
	{
		"memory", "a webhook is delivered twice", "engine/receive.go",
		`if tx.ReceivedIDs.Recall(o.ID) != record.UnknownID && o.ID != "" {`,
		`if tx.ReceivedIDs.Recall(o.ID) == 99 && o.ID != "" {`,
	},
	{
		"memory", "a request begins twice", "record/transaction.go",
		"\tif id := tx.Began(c.Request); id != \"\" {\n\t\treturn tx.SessionOf(id), nil\n\t}\n",
		``,
	},
	{
		"memory", "a message that the transcript has is sent", "record/ledger.go",
		`tx.ForwardedIDs.replace(id, transcriptID, tx.Now)`,
		`_ = id`,
	},
	{
		"memory", "a message gets another id at each attempt", "engine/perform.go",
		`record.MessageID(kind, integrationOf(c, k), c.From, x.HostID, x.Done, again)`,
		`record.MessageID(kind, integrationOf(c, k), c.From, x.HostID, x.Done+1000*x.Attempts, again)`,
	},
	{
		"signals", "one ends a session without a read", "machine/apply.go",
		"\tdefault:\n\t\tt.EndSignalledAt = Later(t.EndSignalledAt, e.Began)",
		"\tdefault:\n\t\tt.overReported()",
	},
	{
		"signals", "one schedules no read", "record/receive.go",
		"\tc.PollAt, c.Poll, c.SignalledAt, c.Unsignalled = at, false, tx.Now, 0\n",
		"\tc.SignalledAt, c.Unsignalled = tx.Now, 0\n",
	},
	{
		"signals", "a dead source is trusted forever", "machine/session.go",
		`sourceTrust = 5 * time.Minute`,
		`sourceTrust = 5000 * time.Hour`,
	},
	{
		"signals", "a source is never judged", "machine/apply.go",
		`	case !moved || !before.Poll || before.SignalledAt.IsZero() || t.State == StateEnded:`,
		`	case true || !moved || !before.Poll || before.SignalledAt.IsZero() || t.State == StateEnded:`,
	},
	{
		"receipts", "two final ones", "record/receive.go",
		`!pending && v.failed() && !tx.ReceivedIDs.final(id):`,
		`!pending && v.failed():`,
	},
	{
		"receipts", "one is lost when Genesys fails", "record/tasks.go",
		`if o.Err != nil && r.Tries < maxReceiptTries && why.Effect != EffectRefused {`,
		`if o.Err != nil && r.Tries < 1 {`,
	},
	{
		"receipts", "Pending gets Delivered at once", "record/settle.go",
		"\tcase o.Pending:\n\t\ttx.pend(x.Delivery.ID)\n",
		"\tcase o.Pending:\n",
	},
	{
		"wake", "work to the host wakes no replica", "record/tasks.go",
		`	if t, ok := f.In.ready(); ok {`,
		`	if t, ok := f.In.ready(); ok && len(f.Words) > 0 {`,
	},
	{
		"wake", "work to Genesys wakes no replica", "record/tasks.go",
		`	if t, ok := f.headReady(); ok && !f.paused() {`,
		`	if t, ok := f.headReady(); ok && f.paused() {`,
	},
	{
		"wake", "watched conversations wake no replica", "record/tasks.go",
		"\t\tconsider(TaskWatch, f.watchedAt(w))\n",
		``,
	},
	{
		"wake", "a record with work is removed", "record/tasks.go",
		`	if !f.idle() || f.Keep < 0 {`,
		`	if f.Keep < 0 {`,
	},
	{
		"wake", "timers do not fire", "record/tasks.go",
		"\t_, t := c.Timer()\n\treturn machine.Soonest(at, t)",
		`	return at`,
	},
}
