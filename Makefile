# Every target has one line of help: `make help`. CI calls the same targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PKG      ?= ./...
T        ?=
OUT      ?= demo-out
GOLANGCI_VERSION := v2.15.0

# What this machine can do decides how we build: without a C compiler there is
# no cgo and no race detector, without libopus the voice is carried by G.722.
HAVE_CC   := $(shell command -v gcc >/dev/null 2>&1 && echo yes)
HAVE_OPUS := $(shell [ "$(CGO_ENABLED)" != 0 ] && [ -n "$(HAVE_CC)" ] && pkg-config --exists opus 2>/dev/null && echo yes)
# Not exported: a make started by this one, after `setup`, looks anew.
CGO       := $(or $(CGO_ENABLED),$(if $(HAVE_CC),1,0))
GO        := CGO_ENABLED=$(CGO) go
TAGS      := $(if $(HAVE_OPUS),,nolibopus)
TAGFLAG   := $(if $(TAGS),-tags $(TAGS))
RACE      := $(if $(filter 1,$(CGO)),-race)
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   := -X main.version=$(VERSION)
# One package after the other keeps real sockets and real codecs honest on two cores.
TESTFLAGS := $(TAGFLAG) $(RACE) -shuffle=on -count=1 -timeout 20m -p 2
# What keeps state in SQL is tested on both databases. The store and some more do so by themselves.
ON_POSTGRES := ./server ./server/arm ./server/calls ./server/chat ./server/chatlink ./server/eventgrid ./server/front ./server/identity ./server/operations ./server/push ./server/resource
BIN       := bin

.PHONY: help setup demo run build test test-fast test-sdk test-bind soak fuzz bench lint cross generate generate-check postman api-check bind-check bind-ios bind-android bind-c release release-check clean

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## install what is missing (C compiler, libopus) through the system's package manager, when it can
	@scripts/setup build

demo: ## place a real call between two engines and write what each side heard: the main job
	@scripts/setup build
	@$(MAKE) --no-print-directory build
	@$(BIN)/parley demo --out $(OUT) $(ARGS)

run: build ## start the service on this machine (data in ./parley-data)
	@$(BIN)/parley serve --data parley-data $(ARGS)

build: ## build the programs into bin/
	@mkdir -p $(BIN)
	@$(if $(HAVE_OPUS),,echo "note: libopus or a C compiler is missing; this build carries the voice with G.722")
	@$(GO) build $(TAGFLAG) -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/parley ./cmd/bench

test: ## every kind of test, long random ones with reduced counts; PKG=./engine T=TestName for one
	@scripts/setup test
	@$(MAKE) --no-print-directory run-tests

.PHONY: run-tests
run-tests:
	@$(if $(RACE),,echo "note: no C compiler, so the race detector is off in this run")
	@$(if $(HAVE_OPUS),,echo "note: libopus is missing, so calls in this run are carried by G.722")
	@$(GO) test $(TESTFLAGS) $(if $(T),-run '$(T)' -v) $(PKG)
	@$(if $(filter ./...,$(PKG)),$(if $(T),,echo "once more on PostgreSQL: $(ON_POSTGRES)"; PARLEY_TEST_ON=postgres $(GO) test $(TESTFLAGS) $(ON_POSTGRES)))
	@$(if $(RACE),echo "race detector: on",echo "race detector: off (no C compiler)"); $(if $(HAVE_OPUS),echo "voice codec: Opus",echo "voice codec: G.722 (no libopus)")
	@scripts/contract-checks

test-fast: ## the quick look while writing: short tests, no race detector, cached results allowed
	@$(GO) test $(TAGFLAG) -short -timeout 2m $(PKG)

test-sdk: ## the official Azure SDKs (JavaScript in Node and in Chromium, Python, Java, Go) and the Postman collection against the service; ARGS="--only js" for one
	@scripts/setup sdk
	@CGO_ENABLED=$(CGO) scripts/test-sdk $(ARGS)

test-bind: ## the bindings, exercised by programs in other languages; ARGS="-run TestPython" for one
	@scripts/setup bind
	@$(GO) test -tags bind -count=1 -timeout 60m $(ARGS) ./test/bind/...

soak: ## the random tests with their full counts, or as many as fit SOAK_SECONDS (default 3600)
	@scripts/setup test
	@scripts/soak $${SOAK_SECONDS:-3600} "$(TAGFLAG)"

fuzz: ## every fuzz target for FUZZ_SECONDS each (default 10)
	@scripts/fuzz $${FUZZ_SECONDS:-10} "$(TAGFLAG)"

bench: build ## latency, set-up, codecs, signaling, memory: table, bench.json, bench.html
	@$(BIN)/bench $(ARGS)

lint: ## formatting, the linters of .golangci.yml, generated files current, all platforms compile
	@scripts/setup build
	@scripts/golangci $(GOLANGCI_VERSION) run --build-tags bind $(if $(TAGS),--build-tags $(TAGS)) ./...
	@$(GO) mod verify
	@$(MAKE) --no-print-directory generate-check api-check cross

cross: ## compile for macOS and Windows, link for android, compile for ios (no cgo)
	@scripts/cross

generate: ## remake generated files (protobuf, tables of docs/compatibility.md)
	@scripts/generate

generate-check: ## fail if generated files are not current
	@scripts/generate --check

postman: ## a Postman collection of the REST surface, into out/
	@go run ./internal/tools/postman -out out/parley.postman_collection.json

api-check: ## compare the exported Go API with that of the last release
	@scripts/api-check

bind-check: ## gobind for Java and Objective-C: nothing left out, and the API as it is listed (scripts/bind-check -update)
	@scripts/bind-check $(ARGS)

bind-ios: ## ParleyCore.xcframework for iOS, with Opus inside; on a Mac with Xcode (ARGS=--no-opus: without)
	@scripts/bind-ios $(ARGS)

bind-c: ## the C library for linux/amd64 and linux/arm64, shared and static, into out/bind-c
	@scripts/setup bind
	@scripts/bind-c release out/bind-c

bind-android: ## the library for Android, out/android/parley.aar: needs the Android NDK r28, and says what is missing
	@bind/android/build $(ARGS)

release: ## what users download (programs, C library, packages for phones where they can be made) with contents and checksums, into out/release
	@scripts/release "$(VERSION)"

release-check: ## does `go get` of what is committed work for somebody else?
	@scripts/release --check

clean: ## remove what the build made
	@rm -rf $(BIN) out $(OUT) bench.json bench.html media/opus/static
