package torture

import (
	"context"
	"fmt"
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A Kind is one kind of store that -store can name.
type Kind struct {
	// Name is the value of -store.
	Name string

	// Open opens the store at a DSN. All its tables or keys begin with prefix, which is different
	// in each run. The error may contain no password. The parent and every replica open the store
	// once each.
	Open func(dsn, prefix string) (*Store, error)

	// Temporary returns the DSN of a new store in a folder, for runs without -dsn. The folder is
	// removed after the run. If it is nil, -dsn is required.
	Temporary func(folder string) string
}

// A Store is an open store, as one process sees it. The functions may be nil: there is nothing to
// do.
type Store struct {
	handover.Store

	// Once a run, before the replicas start: creates tables, checks settings.
	Prepare func(context.Context) error
	Drop    func(context.Context) error // removes everything under the prefix
	Close   func() error
}

// A storeSpec selects the store of a run.
type storeSpec struct {
	Kind   string `json:"kind"`
	DSN    string `json:"dsn"`
	Prefix string `json:"prefix"`
}

// kinds are the stores that a command can open. The first is the default.
type kinds []Kind

func (k kinds) find(name string) (Kind, bool) {
	for _, kind := range k {
		if kind.Name == name {
			return kind, true
		}
	}
	return Kind{}, false
}

// String returns the names as an error or a help text lists them: a, b or c.
func (k kinds) String() string {
	var b strings.Builder
	for i, kind := range k {
		switch i {
		case 0:
		case len(k) - 1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(kind.Name)
	}
	return b.String()
}

func (k kinds) open(s storeSpec) (*Store, error) {
	kind, ok := k.find(s.Kind)
	if !ok {
		return nil, fmt.Errorf("-store must be %s", k)
	}
	store, err := kind.Open(s.DSN, s.Prefix)
	if err != nil {
		return nil, err
	}
	nothing := func(context.Context) error { return nil }
	if store.Prepare == nil {
		store.Prepare = nothing
	}
	if store.Drop == nil {
		store.Drop = nothing
	}
	if store.Close == nil {
		store.Close = func() error { return nil }
	}
	return store, nil
}
