# make build   the binary, at bin/syminit
# make demo    a two-node run of real Ray in two containers, to watch
# make test    linters and every test, in containers too
# make test-vllm   a real vLLM over two containers, on CPUs
# All of them install what they need; see test/setup.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

$(if $(shell command -v go),,$(error needs Go $(shell sed -n 's/^go //p' go.mod) or newer in PATH: https://go.dev/dl))
GOOS    ?= linux
GOARCH  ?= $(shell go env GOARCH)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# Ray in the test images: the newest supported, the first with token
# authentication, the oldest.
RAY     ?= 2.60.0
RAYS    ?= $(RAY) 2.52.0 2.40.0
# Containers run side by side in tests; each Ray node wants about a core to start.
PARALLEL ?= 4
# Where the binary goes.
OUT      ?= bin/syminit
SCRIPTS   = .ci/run examples/docker/run.sh examples/slurm/podman.sbatch $(shell find test -name '*.sh')
GODIRS    = cmd init internal rendezvous signals test bench
# What a caller made of the process is read before the Go runtime begins: see
# init/origin.go.
ENTRY    = -tags syminit_entry
ENTRYLD  = -E syminit_entry -checklinkname=0
UNIT     = $(shell go list ./... | grep -v /test/)

export CGO_ENABLED := 0
# A user's PATH, and root's after su, may lack where dockerd and slurmctld are.
export PATH := $(CURDIR)/.tools/bin:$(PATH):/usr/sbin:/sbin

.PHONY: all build demo test test-vllm lint deps engine image images vllm-image bench bench-vllm bench-init conformance convergence fuzz fmt clean

all: build

# Reproducible: no paths, no build id, the version from git alone.
build:
	GOOS=$(GOOS) GOARCH=$(GOARCH) go build $(ENTRY) -trimpath -buildvcs=false -ldflags '-s -w -buildid= $(ENTRYLD) -X main.version=$(VERSION)' -o $(OUT) ./cmd/syminit

engine:
	test/setup/docker.sh

deps: engine
	test/setup/tools.sh
	test/setup/quadlet.sh

images: engine build
	test/image/build.sh $(RAYS)
	for ray in $(RAYS); do docker build -q -t syminit-test:ray-$$ray --build-arg BASE=syminit-test-base:ray-$$ray -f test/image/Dockerfile bin 2>&1; done
	docker tag syminit-test:ray-$(RAY) syminit-test

image: RAYS := $(RAY)
image: images

vllm-image: image
	test/vllm/image/build.sh $(RAY)
	docker build -q -t syminit-test-vllm --build-arg BASE=syminit-test-base:vllm -f test/image/Dockerfile bin 2>&1

demo: image
	test/demo/run.sh syminit-test

lint: deps
	test -z "$$(gofumpt -l $(GODIRS))" || { gofumpt -d $(GODIRS); exit 1; }
	go vet ./...
	GOARCH=arm64 go vet ./...
	go vet $(ENTRY) ./init
	GOARCH=arm64 go vet $(ENTRY) ./init
	staticcheck ./...
	golangci-lint run ./...
	deadcode -test ./...
	$(if $(shell command -v shellcheck),shellcheck -x $(SCRIPTS),: no shellcheck here: the scripts are not looked at)

# Tests that need a container run on the images; the packages' own run with the race
# detector, for which deps has a C compiler. From its folder a test's own summary is
# printed too, when all is well.
#
# SEED=7 SEEDS=20000: other simulated runs, and more of them. CI has the same each
# time. The race detector makes them slow, so that it sees fewer, of fewer nodes.
SEEDS ?= 3000
test: export SYMINIT_TEST_IMAGE := syminit-test:ray-$(RAY)
test: export SYMINIT_TEST_OLD_RAY_IMAGES := $(foreach ray,$(filter-out $(RAY),$(RAYS)),syminit-test:ray-$(ray))
test: lint images
	test/binary.sh
	test/image/dockerfile.sh
	CGO_ENABLED=1 go test -race $(filter-out %/cmd/syminit,$(UNIT))
	CGO_ENABLED=1 go test -race -count=1 ./cmd/syminit # builds the binary, which the cache doesn't see
	go test -count=1 -timeout 30m -v -run 'Simulation|Thousand(Workers|Nodes)$$' ./rendezvous -sim.seed=$(or $(SEED),1) -sim.seeds=$(SEEDS)
	SYMINIT_TEST_BINARY=$(CURDIR)/bin/syminit go test -count=1 ./test/conformance
	SYMINIT_TEST_BINARY=$(CURDIR)/bin/syminit go test -count=1 -timeout 30m ./test/faults -seed $(or $(SEED),1)
	go test -count=1 -timeout 30m -parallel $(PARALLEL) ./test/docker/...
	go test -count=1 -timeout 15m ./test/podman
	cd test/slurm && go test -count=1 -timeout 15m

# Two nodes of vLLM take 7 GB. All of it takes ten minutes on 2 cores that do nothing else.
VLLM_TESTS ?= .
test-vllm: vllm-image
	SYMINIT_TEST_VLLM_IMAGE=syminit-test-vllm go test -count=1 -timeout 60m -parallel 2 -run '$(VLLM_TESTS)' ./test/vllm/...

bench: image
	go run ./bench/symmetric -image syminit-test

# The table in docs/vllm-events.md, in an hour and a half.
bench-vllm: vllm-image
	go run ./bench/vllm -image syminit-test-vllm -write docs/vllm-events.md

# Five nodes with restarts, of which EVENTS are killed, frozen or cut off, one
# after another: the job runs again each time.
EVENTS ?= 50
convergence: build
	SYMINIT_TEST_BINARY=$(CURDIR)/bin/syminit go test -count=1 -timeout 0 -v -run Convergence ./test/faults -seed $(or $(SEED),$(shell date +%s)) -events $(EVENTS)

# Every decoder, one after another, for so long each.
FUZZTIME ?= 10m
fuzz:
	grep -rl --include='*_test.go' '^func Fuzz' $(GODIRS) | while read -r file; do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' "$$file"); do \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x -parallel 1 "./$$(dirname "$$file")"; done; done

# The tables in docs/init.md: who passes what, and how fast.
conformance: deps
	go run ./test/conformance/table -write docs/init.md

bench-init: deps
	go run ./bench/init -write docs/init.md

fmt: deps
	gofumpt -w $(GODIRS)

clean:
	rm -rf bin
