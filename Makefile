# Vestibule. `make help` lists what there is; every target does its own set-up.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD_FLAGS := -ldflags "-s -w -X main.version=$(VERSION)"
BIN := bin/vestibule
ROOMS := approval catalog directory flow identity notification operation signup
GO_SOURCES := $(shell find backend -name '*.go' -not -name '*_test.go' 2>/dev/null) backend/go.mod backend/go.sum \
	$(wildcard backend/migrations/*.sql backend/api/*.yaml backend/demo/flows/*.yaml backend/internal/*/mail/*) $(wildcard backend/internal/platform/fault/messages/*.json)
APP_SOURCES := $(shell find frontend/src frontend/static frontend/messages frontend/dev -type f 2>/dev/null) $(wildcard frontend/*.ts frontend/*.js) frontend/package-lock.json backend/api/openapi.yaml
export CGO_ENABLED ?= 0
# In tests too: what the build has compiled serves them. Gin without MessagePack compiles in a seventh less time and is 6 MB smaller.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath -tags=nomsgpack)

##@ Use
.PHONY: help run
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build and start the demo house on 127.0.0.1:8080
	@$(BIN) demo --if-empty
	@exec $(BIN) serve

##@ Build
.PHONY: build gen tools
tools:
	@scripts/need.sh go
	@scripts/need.sh node

build: tools $(BIN) ## Build the app and the server into bin/vestibule

$(BIN): $(GO_SOURCES) backend/web/dist/.built
	@scripts/need.sh modules
	@mkdir -p bin
	cd backend && go build $(BUILD_FLAGS) -o ../$(BIN) ./cmd/vestibule

frontend/node_modules/.installed: frontend/package-lock.json | tools
	@scripts/need.sh packages frontend
	@touch $@

backend/web/dist/.built: frontend/node_modules/.installed $(APP_SOURCES)
	cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

e2e/node_modules/.installed: e2e/package-lock.json | tools
	@scripts/need.sh packages e2e
	@touch $@

gen: frontend/node_modules/.installed ## Generate code and docs from the contract
	@for room in $(ROOMS); do \
		(cd tools && go tool oapi-codegen -config ../backend/internal/$$room/oapi.yaml -o ../backend/internal/$$room/api.gen.go ../backend/api/openapi.yaml); \
	done
	cd tools && go run ./routes
	cd frontend && npm run gen
	cd backend && go run ./cmd/vestibule config table --into ../README.md

##@ Prove
.PHONY: test-tools test unit e2e rules app chance journeys browser verify lint
test-tools: tools e2e/node_modules/.installed
	@scripts/need.sh localhost
	@scripts/ensure-postgres.sh
	@scripts/ensure-chromium.sh

test: test-tools build ## Everything: rules, services on both databases, the app, stories over HTTP and in the browser
	@$(MAKE) --no-print-directory rules
	@$(MAKE) --no-print-directory -j2 journeys chance
	@$(MAKE) --no-print-directory app browser

unit: rules app chance ## Only rules, services on both databases, the fuzzers, and the app's own checks

e2e: journeys browser ## Only the stories: journeys over HTTP, then the browser

# go vet has looked at all that `go test` would. -count=1: the tools read files of other folders, which Go's cache of
# results does not see.
rules: build e2e/node_modules/.installed
	@scripts/ensure-postgres.sh
	cd backend && go vet ./... && go test -vet=off ./...
	cd tools && go test -count=1 ./...

app: build
	cd frontend && npm run check && npm run lint && npm test

chance: tools
	cd tools && nice -n 15 go run ./fuzz -time 10s -fresh # in what the journeys leave of the machine

journeys: build e2e/node_modules/.installed
	@scripts/ensure-postgres.sh
	cd e2e && VESTIBULE_BIN=$(CURDIR)/$(BIN) go test -count=1 ./...

browser: build e2e/node_modules/.installed
	@scripts/ensure-chromium.sh
	cd e2e && VESTIBULE_BIN=$(CURDIR)/$(BIN) npm test

.PHONY: faults
faults: build e2e/node_modules/.installed ## Break everything a house stands on, and count what is lost: the numbers of docs/reliability.md (half an hour)
	@scripts/ensure-postgres.sh
	cd e2e/faults && VESTIBULE_BIN=$(CURDIR)/$(BIN) VESTIBULE_TEST_FAULTS=long go test -count=1 -timeout 2h

.PHONY: fuzz
fuzz: ## Fuzz every target for two minutes and print one table; TIME=1h for longer
	@scripts/need.sh go
	cd tools && go run ./fuzz -time $(or $(TIME),2m)

# A machine with nothing but Go and Node has no C compiler, which the detector needs: so it is not part of `make test`.
.PHONY: race
race: test-tools ## What runs in parallel, under the race detector; needs a C compiler
	cd backend && CGO_ENABLED=1 go test -race -run '[Pp]arallel|[Rr]ace|model|Model|Among|AtOnce|ManyWriters|Callers|Twice' ./internal/identity ./internal/signup ./internal/approval ./internal/directory ./internal/platform/...

.PHONY: bench profile
bench: build e2e/node_modules/.installed ## Measure the house and this machine; QUICK=1 is short, WRITE=1 writes docs/performance.md
	@scripts/ensure-postgres.sh
	@mkdir -p e2e/test-results
	cd e2e && go build -o test-results/bench ./bench
	cd e2e && VESTIBULE_BIN=$(CURDIR)/$(BIN) test-results/bench $(if $(QUICK),-quick) $(if $(WRITE),-write docs/performance.md)

profile: build e2e/node_modules/.installed ## Save CPU profiles of the server under sign-ups
	@scripts/ensure-postgres.sh
	cd e2e && VESTIBULE_BIN=$(CURDIR)/$(BIN) go run ./bench -profile test-results/profiles

verify: gen ## Generate again and fail on any difference
	git diff --exit-code -- backend/internal docs README.md frontend/src/lib/api

lint: ## Format and lint
	@test -z "$$(gofmt -l backend e2e tools | tee /dev/stderr)"
	cd frontend && npm run lint
