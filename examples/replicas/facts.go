package main

import "time"

// Facts are what was seen in a run, by those outside of the replicas: the report is arithmetic on them.
type facts struct {
	toGenesys direction // what customers wrote
	toHost    direction // what agents wrote
	died      map[string]time.Time
	sessions  map[string]bool // every handover that was heard of
	returned  map[string]bool // those that came back to the bot
}

// A direction is one way of the conversation.
type direction struct {
	lines    []line
	attempts []arrival // begun by a replica, in the order they came to the door; some died there
	arrivals []arrival // in the order they came
	backs    []arrival // what came back to the bot instead; the ID is that of the Return
}

// A line is a message that somebody wrote. Text is its marker and unique.
type line struct {
	text     string
	lane     string // the customer it belongs to
	n        int    // its place in the lane
	began    time.Time
	accepted time.Time // zero: never
	by       string    // the replica that accepted it
}

// An arrival is one time that a line reached the other side. By right there is one for each line.
type arrival struct {
	text  string
	id    string // towards Genesys channel.messageId, towards the host Delivery.ID
	at    time.Time
	by    string // the replica that brought it
	stray bool   // it said itself that it is older than one before it
}
