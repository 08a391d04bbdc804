// Package torture kills real processes that share one store, and checks that no message is lost,
// reordered or doubled. It is the command of examples/replicas without the database drivers: the
// caller passes the stores to [Main].
//
// # What it contains
//
// The parent process runs everything around the replicas: a fake Genesys Cloud with agents (package
// genesystest), customers, a load balancer in front of the webhooks, the customers' channel, and
// the killer. The replicas are child processes of the same program. Each is a host program with a
// handover.Manager on the shared store.
//
//   - command.go: the flags and the exit code;
//   - stores.go: the stores that the caller passes;
//   - run.go and stage.go: one run, from its servers and processes to its report;
//   - fleet.go and killer.go: the processes, who starts them and who kills them;
//   - replica.go and wire.go: a child process, and what is sent to it and by it;
//   - agents.go, customers.go and servers.go: the other ends of their connections;
//   - book.go: what was observed outside of the replicas;
//   - count.go and report.go: the promises, computed from the observations.
//
// # What it checks
//
//   - Each customer's message that a replica accepted reached Genesys, or was handed back to the
//     bot in a Return.
//   - Each agent's message that a replica accepted in a webhook reached the customers' channel.
//   - A retry has the id of the first attempt.
//   - First attempts arrive in order per customer. Only a retry may arrive late.
//   - Each handover ends, and its Return arrives.
//   - No replica ends by itself, and the fake Genesys Cloud refuses no request.
//
// Two runs with one seed have the same plan: who is killed when, and which conversations end early.
// The timing differs, because the processes are real. No process outlives the parent: a replica
// ends when its standard input is closed.
//
// # What it may import
//
// Package handover, the packages below it, webhook and genesystest. It imports no database driver
// and no package of a store.
package torture
