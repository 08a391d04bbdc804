# What CI runs, for people too: `make check` is the whole of it. The longer steps are scripts in .ci.
# GENESYS_OPENAPI=/path/to/swagger.json switches the contract check on.

GO               ?= go
GOLANGCI_VERSION := v2.15.0
BIN              ?= $(shell $(GO) env GOPATH)/bin
GOLANGCI         := $(BIN)/golangci-lint
MODULES           = $(shell $(GO) list -m -f '{{.Dir}}')

.PHONY: check tools test race contract fmt vet lint tidy deps fuzz mutants examples

check: fmt vet tidy deps lint test race contract fuzz examples

# golangci-lint at the pinned version, built unless it is there.
tools:
	@"$(GOLANGCI)" version 2>/dev/null | grep -q " $(GOLANGCI_VERSION:v%=%) " || \
		GOBIN="$(BIN)" $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

# go test work, the README's command. POSTGRES_DSN and REDIS_ADDR name the servers to test with; `.ci/servers start FOLDER` has some.
test:
	.ci/test

race:
	$(GO) test -race -shuffle=on -timeout 40m work

# Our requests and the fake's answers against the official definition, with the list of what was exercised; the documents
# too. -count=1 because both read files outside of their module, whose changes the test cache does not see.
contract:
	$(GO) test -count=1 -v ./internal/integration

fmt:
	@unformatted="$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go'))"; \
		if [ -n "$$unformatted" ]; then echo "gofmt -w these:"; echo "$$unformatted"; exit 1; fi

vet:
	$(GO) vet work

lint: tools
	@set -e; for m in $(MODULES); do echo "golangci-lint $$m"; (cd "$$m" && "$(GOLANGCI)" run ./... && "$(GOLANGCI)" fmt --diff ./...); done

tidy:
	@set -e; for m in $(MODULES); do echo "go mod tidy -diff $$m"; (cd "$$m" && $(GO) mod tidy -diff); done

# What each package links: the import rules of ARCHITECTURE.md.
deps:
	.ci/deps

# Every fuzz target for FUZZTIME (20000x: so many inputs; 5m: five minutes), then the simulation with
# SEEDS seeds (150) from each first seed in SEED (four).
fuzz:
	.ci/fuzz

# Plants bugs in the engine, one at a time, and counts the seeds until the simulation finds each. It takes an hour.
mutants:
	$(GO) run ./handover/internal/simulation/mutants

# Every example that is a program, with the workspace and without it.
examples:
	.ci/examples
