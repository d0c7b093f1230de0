# Needs Go and nothing else: generators, linters and the servers used in tests are pinned
# in tools/ and land in .tools/bin. C is only needed by `make race`.

TOOLS := .tools/bin
PKGS ?= ./...
ARGS ?=
FUZZTIME ?= 10s
BENCH ?= .
# CI never trusts a cached pass.
TESTFLAGS ?= $(if $(CI),-count=1)

export CGO_ENABLED = 0
# A test whose real server is missing fails instead of skipping.
export AUSPEX_REQUIRE_REAL = 1

.DEFAULT_GOAL := help
.PHONY: help build demo test race fuzz bench fmt lint generate check-generated servers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/auspex
	go build -o bin/auspex ./cmd/auspex

demo: build ## the whole loop on a synthetic fleet and on this host (ARGS=--serve stays up)
	bin/auspex demo $(ARGS)

test: servers $(TOOLS)/gotestsum ## every test, against a real InfluxDB and Prometheus
	$(TOOLS)/gotestsum --format standard-quiet --post-run-command tools/scripts/test-summary \
		-- -timeout 10m $(TESTFLAGS) $(PKGS)

race: servers ## the tests under the race detector (needs gcc; PKGS=./collector/... narrows it)
	tools/scripts/need gcc libc6-dev
	CGO_ENABLED=1 go test -race -timeout 20m $(TESTFLAGS) $(PKGS)

fuzz: ## every fuzz target for FUZZTIME (10s) each
	tools/scripts/fuzz $(FUZZTIME)

bench: ## benchmarks into bin/bench.txt (BENCH=Place narrows it; compare with .tools/bin/benchstat)
bench: $(TOOLS)/benchstat
	@mkdir -p bin
	go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(PKGS) | tee bin/bench.txt

fmt: $(TOOLS)/buf ## format all Go and .proto files
	gofmt -w .
	$(TOOLS)/buf format -w --path api/auspex

lint: $(TOOLS)/staticcheck $(TOOLS)/buf ## gofmt, go mod tidy, go vet, staticcheck, and the .proto files
	@unformatted=$$(gofmt -l .); \
		if [ -n "$$unformatted" ]; then echo "run make fmt, for:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	go vet ./...
	$(TOOLS)/staticcheck ./...
	$(TOOLS)/buf lint
	$(TOOLS)/buf format --diff --exit-code --path api/auspex

generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## Go code from the .proto files
	$(TOOLS)/buf generate

check-generated: generate ## fail when generated code is not what its sources say
	git diff --exit-code -- '*.pb.go'
	@new=$$(git ls-files -o --exclude-standard -- '*.pb.go'); \
		if [ -n "$$new" ]; then echo "not committed:"; echo "$$new"; exit 1; fi

servers: $(TOOLS)/influxd ## the real servers that tests start: InfluxDB, Prometheus, node exporter
	tools/scripts/prometheus $(TOOLS)

clean: ## remove everything make built
	rm -rf bin .tools

# Each tool is rebuilt when the module that pins it changes.
build-tool = cd $(1) && go build -o $(abspath $(TOOLS))/ $(2)

$(TOOLS)/buf: tools/buf/go.mod tools/buf/go.sum
	$(call build-tool,tools/buf,github.com/bufbuild/buf/cmd/buf)

$(TOOLS)/influxd: tools/influxd/go.mod tools/influxd/go.sum
	$(call build-tool,tools/influxd,github.com/influxdata/influxdb/cmd/influxd)

$(TOOLS)/protoc-gen-go: tools/go.mod tools/go.sum
	$(call build-tool,tools,google.golang.org/protobuf/cmd/protoc-gen-go)

$(TOOLS)/protoc-gen-go-grpc: tools/go.mod tools/go.sum
	$(call build-tool,tools,google.golang.org/grpc/cmd/protoc-gen-go-grpc)

$(TOOLS)/staticcheck: tools/go.mod tools/go.sum
	$(call build-tool,tools,honnef.co/go/tools/cmd/staticcheck)

$(TOOLS)/gotestsum: tools/go.mod tools/go.sum
	$(call build-tool,tools,gotest.tools/gotestsum)

$(TOOLS)/benchstat: tools/go.mod tools/go.sum
	$(call build-tool,tools,golang.org/x/perf/cmd/benchstat)
