package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// WakeAt: leased → Until + 2 s, else max(NotBefore, entry time).
func TestARecordWithWorkIsLeasedOrDue(t *testing.T) {
	t.Parallel()
	head := func(f *file, l *lane) {
		l.push(entry{Seq: 1, Kind: kindMessage, At: ago(time.Minute), Message: new(Text("1", "words"))})
		f.Now = nil
	}
	for name, test := range map[string]struct {
		with func(*file)
		want time.Time
	}{
		"due since it was accepted": {func(f *file) { head(f, &f.Out) }, ago(time.Minute)},
		"not before":                {func(f *file) { head(f, &f.Out); f.Out.NotBefore = noon() }, noon()},
		"the entry not before":      {func(f *file) { head(f, &f.In); f.In.Entries[0].NotBefore = noon() }, noon()},
		"leased":                    {func(f *file) { head(f, &f.In); f.In.Lease = lease{Owner: "a", Until: noon()} }, noon().Add(2 * time.Second)},
		"the earlier lane": {func(f *file) {
			head(f, &f.Out)
			head(f, &f.In)
			f.Out.Lease = lease{Owner: "a", Until: noon()}
		}, ago(time.Minute)},
		"control is leased": {func(f *file) {
			f.Now, f.Adopt = nil, &adoption{At: ago(time.Minute)}
			f.Control.Lease = lease{Owner: "a", Until: noon()}
		}, noon().Add(2 * time.Second)},
		"a lease of a dead process wakes nobody before there is something to do": {func(f *file) {
			f.Now, f.Adopt = nil, &adoption{At: noon().Add(time.Minute)}
			f.Control.Lease = lease{Owner: "a", Until: noon()}
		}, noon().Add(time.Minute)},
		"nor where there is nothing": {func(f *file) {
			f.Now.Ending.Time, f.Control.Lease = noon(), lease{Owner: "a", Until: noon()}
		}, noon().Add(73 * time.Hour)},
		"nor for a head that waits": {func(f *file) {
			head(f, &f.Out)
			f.Out.NotBefore, f.Out.Lease = noon().Add(time.Minute), lease{Owner: "a", Until: noon()}
		}, noon().Add(time.Minute)},
		"messages that would go to another conversation wait for a read": {func(f *file) {
			f.Now = new(coreIn(StateConnected))
			f.Out.push(words(1, "first"))
			f.Now.MovedTo, f.Now.PollAt = "other", noon().Add(time.Second)
		}, noon().Add(time.Second)},
		"an entry without a time":         {func(f *file) { head(f, &f.Out); f.Out.Entries[0].At = time.Time{} }, time.UnixMicro(1)},
		"whole microseconds, never early": {func(f *file) { head(f, &f.Out); f.Out.NotBefore = noon().Add(1) }, noon().Add(time.Microsecond)},
		"retention":                       {func(f *file) { f.Now.Ending.Time = noon() }, noon().Add(73 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileIn(StateEnded)
			test.with(f)
			require.True(t, test.want.Equal(f.wakeAt()), "%s", f.wakeAt())
			require.Equal(t, time.UTC, f.wakeAt().Location())
		})
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state State
		with  func(*file)
		want  time.Time
	}{
		"73 h after the end":        {StateEnded, func(f *file) { f.Now.Ending.Time = noon() }, noon().Add(73 * time.Hour)},
		"or what the host said":     {StateEnded, func(f *file) { f.Now.Ending.Time, f.Keep = noon(), time.Hour }, noon().Add(time.Hour)},
		"for ever":                  {StateEnded, func(f *file) { f.Keep = -1 }, time.Time{}},
		"no handover ever":          {"", func(f *file) { f.Now, f.Keep, f.Touched = nil, 0, noon() }, noon().Add(73 * time.Hour)},
		"touched since":             {StateEnded, func(f *file) { f.Touched = noon() }, noon().Add(73 * time.Hour)},
		"not while open":            {StateBot, nil, time.Time{}},
		"nor while something waits": {StateEnded, func(f *file) { f.In.push(entry{Kind: kindReturn, Session: &Session{}}) }, time.Time{}},
		"nor a message":             {StateEnded, func(f *file) { f.Held = []held{{}} }, time.Time{}},
		"nor a receipt":             {StateEnded, func(f *file) { f.Receipts = []receipt{{}} }, time.Time{}},
		"nor another handover":      {StateEnded, func(f *file) { f.Next = &plan{} }, time.Time{}},
		"asked to forget":           {StateEnded, func(f *file) { f.Forget = noon() }, noon()},
		"forget ends it first":      {StateConnected, func(f *file) { f.Forget = noon() }, time.Time{}},
		"and gives it back first": {StateEnded, func(f *file) {
			f.Forget = noon()
			f.In.push(entry{Kind: kindReturn, Session: &Session{}})
		}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileIn(test.state)
			if test.with != nil {
				test.with(f)
			}
			require.True(t, test.want.Equal(f.expires()), "%s", f.expires())
		})
	}
}

func TestANewHandoverIsNotForgottenWithTheOld(t *testing.T) {
	t.Parallel()
	f := fileIn(StateEnded)
	f.Now.HandedBack, f.Forget = true, ago(time.Second)
	e := newEdit(f)
	c := coreIn(StateRequested)
	c.ID, c.Request = "bcdefghijkl3", "again"
	e.handOver(c, &opening{Texts: []string{"hello"}}, Timers{})
	e.tidy()
	require.Equal(t, StateRequested, e.Now.State)
	require.Zero(t, e.Forget)
	require.Empty(t, e.Past, "what was before is")
}
