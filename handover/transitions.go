package handover

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Transition is one change of state.
type Transition struct {
	From, To State  // From is empty if a session begins
	On       string // the event or condition
}

// Transitions lists every change of state, sorted. The diagram in the documentation is generated
// from it. A test compares it with the state machine.
func Transitions() []Transition {
	var list []Transition
	for _, a := range machine.Transitions() {
		list = append(list, Transition{From: State(a.From), To: State(a.To), On: a.On})
	}
	return list
}
