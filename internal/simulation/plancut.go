package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// without is the plan with a fault switched off.
func (p plan) without(f fault) plan {
	p.rates = maps.Clone(p.rates)
	delete(p.rates, f)
	return p
}

// calmer is the plan without a habit of agents.
func (p plan) calmer(h habit) plan {
	p.habits = maps.Clone(p.habits)
	delete(p.habits, h)
	return p
}

// quieter is the plan without a source of signals.
func (p plan) quieter(i int) plan {
	p.sources = slices.Delete(slices.Clone(p.sources), i, i+1)
	return p
}

// only says how a plan differs from its seed's: the value of the flag -only.
func (p *plan) only() string {
	var on []string
	for _, f := range everyFault() {
		if p.has(f) {
			on = append(on, string(f))
		}
	}
	var habits, sources []string
	for _, h := range allHabits() {
		if p.habits[h] > 0 {
			habits = append(habits, string(h))
		}
	}
	for i := range p.sources {
		sources = append(sources, p.sources[i].name)
	}
	return fmt.Sprintf("replicas=%d,customers=%d,lasts=%s,faults=%s,habits=%s,sources=%s,foreign=%s,socket=%s", p.replicas, p.customers, p.lasts,
		strings.Join(on, "+"), strings.Join(habits, "+"), strings.Join(sources, "+"), p.foreign, p.socket)
}

// cut applies what only gave.
func (p *plan) cut(only string) error {
	for part := range strings.SplitSeq(only, ",") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "":
		case "replicas":
			p.replicas, err = strconv.Atoi(value)
		case "customers":
			p.customers, err = strconv.Atoi(value)
		case "lasts":
			p.lasts, err = time.ParseDuration(value)
		case "faults":
			on := strings.Split(value, "+")
			maps.DeleteFunc(p.rates, func(f fault, _ float64) bool { return !slices.Contains(on, string(f)) })
		case "habits":
			on := strings.Split(value, "+")
			maps.DeleteFunc(p.habits, func(h habit, _ float64) bool { return !slices.Contains(on, string(h)) })
		case "sources":
			on := strings.Split(value, "+")
			p.sources = slices.DeleteFunc(p.sources, func(s source) bool { return !slices.Contains(on, s.name) })
		case "foreign":
			p.foreign = value
		case "socket":
			p.socket = value
		default:
			err = fmt.Errorf("unknown part %q", name)
		}
		if err != nil {
			return fmt.Errorf("simulation: -only: %w", err)
		}
	}
	return nil
}
