package genesystest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		for i := range 28 {
			org.Queue(fmt.Sprintf("Queue %02d", i))
		}
		other := org.QueueIn("Abroad", "Support")
		api := dial(t, org)
		names := func(query string) (got []string, body map[string]any) {
			status, body := api.do(http.MethodGet, queuesPath+query, "")
			require.Equal(t, http.StatusOK, status, "%v", body)
			for _, e := range list(body, "entities") {
				got = append(got, e["name"].(string))
			}
			return got, body
		}
		got, body := names("")
		require.Len(t, got, 25)
		require.Equal(t, []string{"Bot", "Queue 00"}, got[:2], "sorted by name")
		require.InDelta(t, 31, body["total"], 0)
		require.InDelta(t, 2, body["pageCount"], 0)
		require.Equal(t, queuesPath+"?pageNumber=2", body["nextUri"])
		require.NotContains(t, body, "previousUri")
		got, body = names("?pageNumber=2")
		require.Len(t, got, 6)
		require.NotContains(t, body, "nextUri")
		require.Equal(t, queuesPath+"?pageNumber=1", body["previousUri"])
		got, _ = names("?pageNumber=9")
		require.Empty(t, got)

		for query, want := range map[string][]string{
			"?name=bot":  {"Bot"},
			"?name=Bo":   nil,
			"?name=Bo*":  {"Bot"},
			"?name=*ort": {"Support", "Support"},
			"?name=*up*": {"Support", "Support"},
			"?name=Support&divisionId=" + other.DivisionID(): {"Support"},
			"?id=" + other.ID():                      {"Support"},
			"?name=Queue*&pageSize=2&sortOrder=desc": {"Queue 27", "Queue 26"},
		} {
			got, _ := names(query)
			require.Equal(t, want, got, query)
		}
		status, body := api.do(http.MethodGet, queuesPath+"/"+other.ID(), "")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "Abroad", body["division"].(map[string]any)["name"])
		require.Equal(t, other.Name(), body["name"])
	})
}

func TestMembersAndEstimate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		q := org.Queue("Support")
		path := queuesPath + "/" + q.ID()
		wait := func(suffix string) []map[string]any {
			status, body := api.do(http.MethodGet, path+suffix, "")
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, "results")
			return list(body, "results")
		}
		require.Empty(t, wait("/estimatedwaittime"), "the queue has no agents")

		org.Agent("Bob", "Support").GoOffQueue()
		ann := org.Agent("Ann", "Support")
		require.NotEmpty(t, ann.ID())
		require.Equal(t, "Ann", ann.Name())
		api.handOver("c1", "hello")
		require.InDelta(t, 90, wait("/estimatedwaittime")[0]["estimatedWaitTimeSeconds"], 0)
		require.Equal(t, "ALL", wait("/estimatedwaittime")[0]["intent"])
		ann.Wait(t).Accept()
		q.SetEstimatedWait(7 * time.Minute)
		e := wait("/mediatypes/message/estimatedwaittime")[0]
		require.InDelta(t, 420, e["estimatedWaitTimeSeconds"], 0)
		require.Equal(t, "MESSAGE", e["intent"])
		q.SetEstimatedWait(-1)
		require.Empty(t, wait("/estimatedwaittime"))

		status, body := api.do(http.MethodGet, path+"/members?expand=routingStatus", "")
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, body, "total", "the definition has none")
		var got []string
		for _, m := range list(body, "entities") {
			got = append(got, fmt.Sprint(m["name"], " ", m["joined"], " ", m["routingStatus"].(map[string]any)["status"]))
		}
		require.Equal(t, []string{"Ann true INTERACTING", "Bob false OFF_QUEUE"}, got)
	})
}
