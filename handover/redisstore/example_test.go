package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

// A store on a primary with one replica, found through Sentinel.
func Example() {
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "primary", SentinelAddrs: []string{"sentinel-1:26379", "sentinel-2:26379", "sentinel-3:26379"},
		ContextTimeoutEnabled: true,
	})
	defer func() { _ = client.Close() }()

	store, err := redisstore.New(client, redisstore.WithReplicas(1, time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	config := handover.Config{Store: store} // and the other fields: handover.New
	fmt.Println(config.Store != nil)
	// Output: true
}

// New reports an invalid option without a connection.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	defer func() { _ = client.Close() }()

	_, err := redisstore.New(client, redisstore.WithPrefix("shop"), redisstore.WithReplicas(1, 10*time.Second))
	fmt.Println(err)
	// Output: redisstore: WithReplicas waits for 10s, but the ReadTimeout of the client is 5s: use a shorter timeout or a longer ReadTimeout
}

// A host checks the store when it starts. It only logs that a managed service hides its settings.
func ExampleStore_Check() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }()

	store, err := redisstore.New(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	switch err := store.Check(context.Background()); {
	case err == nil:
		fmt.Println("what is stored stays stored")
	case errors.Is(err, redisstore.ErrUnverified):
		fmt.Println("look the settings up in the console of the service")
	default:
		fmt.Println("do not start")
	}
	// Output: do not start
}
