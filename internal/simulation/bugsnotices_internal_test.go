package simulation

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Bugs in what the host is told, planted into how its lane is written.

// Who tells of an agent after his first word, or not at all.
func TestFindsAgentsWhoWriteBeforeTheyJoin(t *testing.T) {
	t.Parallel()
	breaks(t, "an agent joins before his first word", rearranges(func(list []members) []members {
		for i, x := range list {
			if x["notice"] != nil && i+1 < len(list) && list[i+1]["delivery"] != nil {
				list[i], list[i+1] = list[i+1], x
			}
		}
		return list
	}))
}

// Who tells what happened last first.
func TestFindsNoticesInTheWrongOrder(t *testing.T) {
	t.Parallel()
	breaks(t, "notices come in the order of the steps", rearranges(func(list []members) []members {
		if n := len(list); n > 1 && list[n-1]["notice"] != nil && list[n-2]["notice"] != nil {
			list[n-1], list[n-2] = list[n-2], list[n-1]
		}
		return list
	}))
}

// Who takes the notices of two steps for each other's.
func TestFindsNoticesThatTellNoStory(t *testing.T) {
	t.Parallel()
	breaks(t, "notices tell a story", rearranges(func(list []members) []members {
		if n := len(list); n > 1 && list[n-1]["notice"] != nil && list[n-2]["notice"] != nil {
			a, b := list[n-1], list[n-2]
			a["notice"], b["notice"] = b["notice"], a["notice"]
		}
		return list
	}))
}

// Who tells an end twice.
func TestFindsEndsThatAreToldTwice(t *testing.T) {
	t.Parallel()
	breaks(t, "notices tell a story", rearranges(func(list []members) []members {
		const copies = 1_000_000
		for _, x := range list {
			var n handover.Notice
			seq, _ := strconv.ParseUint(string(x["seq"]), 10, 64) // it is a number
			if x["notice"] == nil || json.Unmarshal(x["notice"], &n) != nil || n.Kind != handover.NoticeEnded || seq > copies {
				continue
			}
			again := maps.Clone(x)
			again["seq"] = json.RawMessage(strconv.FormatUint(seq+copies, 10))
			if !slices.ContainsFunc(list, func(x members) bool { return string(x["seq"]) == string(again["seq"]) }) {
				return append(list, again)
			}
		}
		return list
	}))
}

// rearranges is a bug in how the lane to the host is written.
func rearranges(bug func(list []members) []members) saboteur {
	return writes(func(top members) time.Time {
		var in members
		var list []members
		if json.Unmarshal(top["in"], &in) != nil || json.Unmarshal(in["entries"], &list) != nil || len(list) == 0 {
			return time.Time{}
		}
		in["entries"] = json.RawMessage(asJSON(bug(list)))
		top["in"] = json.RawMessage(asJSON(in))
		return time.Time{}
	})
}
