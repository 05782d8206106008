# Builds and checks of policysync. `make` alone lists what there is.

GO        ?= go
# A count and not a time: up to Go 1.26 the end of a time may count as a finding
# (go.dev/issue/75804). 20000x takes about a second for a quick target.
FUZZTIME  ?= 20000x
BENCHTIME ?= 1s
SOAK      ?= 2000

# Tools are built once for each state of tools/go.mod and each Go, and are kept
# outside the work tree, where every clone finds them.
TOOLS_KEY := $(shell { cat tools/go.mod tools/go.sum; $(GO) version; } | cksum | cut -d ' ' -f 1)
TOOLS     ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/policysync-tools/$(TOOLS_KEY)

DEPLOY_KEY   := $(shell { cat tools/deploy/go.mod tools/deploy/go.sum; $(GO) version; } | cksum | cut -d ' ' -f 1)
DEPLOY_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/policysync-tools/deploy-$(DEPLOY_KEY)

# What makes releases is built and kept likewise.
RELEASE_KEY   := $(shell { cat tools/release/go.mod tools/release/go.sum; $(GO) version; } | cksum | cut -d ' ' -f 1)
RELEASE_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/policysync-tools/release-$(RELEASE_KEY)

# Where `make ci` gathers what was skipped, a line each.
SKIPPED   ?= /dev/null

# The folders with a go.mod: policysync's, and the tools'.
MODULES := $(dir $(wildcard go.mod tools/go.mod tools/*/go.mod))

# What CI runs, in this order.
CHECKS := build vet clean-room cross axe race lint tidy-check supply-check deploy-check fuzz packages

.PHONY: help build cross vet test clean-room race lint fmt docs generate tidy-check licences supply-check vulncheck deploy-check fuzz bench soak cover share snapshot release packages ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

build: ## build ./bin/policysync, static, with the bytes of the release
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -ldflags='-s -w' -o bin/policysync ./cmd/policysync

cross: ## compile for the other systems that are released
	@for os in darwin windows; do echo "$$os"; CGO_ENABLED=0 GOOS=$$os $(GO) build -trimpath ./... || exit 1; done

vet: ## go vet
	$(GO) vet ./...
	$(GO) vet -tags system ./...
	$(GO) vet -tags release ./cmd/policysync ./deploy/package

test: ## all tests that need nothing but Go and git
	$(GO) test ./...

# What there is where there is nothing but Go, git, make, a shell, coreutils, grep and sed.
PLAIN := $(GO) git make sh grep sed cat chmod chown cksum cp cut date env head ls mkdir mkfifo mktemp mv rm sha256sum sleep sort tail touch tr wc

clean-room: ## make test as on a machine that has nothing else, for somebody whose home is empty
	@room=$$(mktemp -d) && trap 'rm -rf "$$room"' EXIT && mkdir "$$room/bin" "$$room/home" && chmod 0755 "$$room" && \
	for program in $(PLAIN); do ln -s "$$(command -v "$$program")" "$$room/bin/" || exit 1; done && \
	env -i HOME="$$room/home" PATH="$$room/bin" GOFLAGS="$$GOFLAGS" GOTOOLCHAIN=local GOPROXY="$$($(GO) env GOPROXY)" \
		GOMODCACHE="$$($(GO) env GOMODCACHE)" GOCACHE="$$($(GO) env GOCACHE)" make test

AXE := tools/axe/node_modules/.package-lock.json

axe: $(AXE) ## install axe-core, with which browser tests look for barriers; needs npm

$(AXE): tools/axe/package-lock.json
	npm ci --prefix tools/axe --ignore-scripts --no-audit --no-fund
	@touch $@

race: $(AXE) ## all tests under the race detector; needs a C compiler and the programs that .ci/run names
	CGO_ENABLED=1 $(GO) test -race -tags system ./...

lint: $(TOOLS)/golangci-lint ## golangci-lint, which also checks the format and the layers
	$(TOOLS)/golangci-lint run ./...
	cd tools/deploy && $(TOOLS)/golangci-lint run --config ../../.golangci.yml ./...
	cd tools/supply && $(TOOLS)/golangci-lint run --config ../../.golangci.yml ./...
	@sleepy=$$(find . -name '*_test.go' -exec grep -q 'time\.Sleep(' {} \; ! -exec grep -q '"testing/synctest"' {} \; -print); \
	test -z "$$sleepy" || { echo "time.Sleep where there is no synctest bubble to make it instant:" $$sleepy; exit 1; }

fmt: $(TOOLS)/golangci-lint ## format the code
	$(TOOLS)/golangci-lint fmt ./...

docs: ## write the generated parts of the documentation anew
	$(GO) test -run 'Reference|IsDocumented|LintHasAPage|PageIsOfALint|TheMap' \
		./internal/config ./internal/diff ./internal/lint ./internal/manifest ./internal/metrics ./cmd/policysync -update

generate: ## write policy.schema.json and what is made of it and of other files anew
	$(GO) generate ./...

tidy-check: ## fail where go.mod or go.sum, the tools' too, isn't tidy
	@for module in $(MODULES); do echo "$$module"; $(GO) -C $$module mod tidy -diff || exit 1; done

LICENCES := $(GO) run -C tools/supply ./licences -in ../..

licences: ## write the list of docs/licences.md anew
	@list=$$(mktemp) && $(LICENCES) ./cmd/policysync >"$$list" && \
	{ sed '/^|---|/q' docs/licences.md; cat "$$list"; } >"$$list.md" && cat "$$list.md" >docs/licences.md && rm "$$list" "$$list.md"

supply-check: vulncheck ## what the program is made of: unaltered, under licences that we may use and have listed, without known holes
	@for module in $(MODULES); do echo "$$module"; $(GO) -C $$module mod verify || exit 1; done
	$(GO) -C tools/supply test ./...
	@list=$$(mktemp) && $(LICENCES) ./cmd/policysync >"$$list" && sed '1,/^|---|/d' docs/licences.md | diff - "$$list" && rm "$$list" || \
	{ echo "docs/licences.md isn't what the program is made of: make licences"; exit 1; }

vulncheck: ## known vulnerabilities that the program can reach; skipped where Go's database can't be reached
	@if found=$$($(GO) tool -modfile=tools/supply/go.mod govulncheck $(if $(GOVULNDB),-db $(GOVULNDB)) ./... 2>&1); then echo "$$found"; else \
		echo "$$found"; \
		case "$$found" in \
		*"fetching vulnerabilities"*"no such host"*|*"fetching vulnerabilities"*"connection refused"*|*"fetching vulnerabilities"*"i/o timeout"*) \
			echo "vulncheck: SKIPPED, the database of vulnerabilities can't be reached from here" | tee -a $(SKIPPED);; \
		*) exit 1;; \
		esac; \
	fi

deploy-check: build $(DEPLOY_TOOLS)/helm ## what is in deploy/, by the tools of its own field
	PATH='$(CURDIR)/bin:$(DEPLOY_TOOLS)':"$$PATH" $(GO) -C tools/deploy test -count=1 ./...

fuzz: ## fuzz each target for FUZZTIME (20000x, or a time)
	@find . -name '*_test.go' -exec grep -H '^func Fuzz' {} + | \
	sed 's|^\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9_]*\).*|\1 \2|' | sort | \
	while read -r dir name; do \
		echo "fuzz $$name in $$dir"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$dir" </dev/null || exit 1; \
	done

bench: ## run the benchmarks, each for BENCHTIME (1s)
	$(GO) test -tags system -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

soak: ## tell the model test SOAK (2000) random stories, others each time; CI tells 100, always the same
	$(GO) test ./internal/reconcile -run TestPromisesHoldWhateverHappens -rapid.seed=0 -rapid.checks=$(SOAK) -timeout 2h

cover: ## write coverage.out and coverage.html and print the total
	$(GO) test -coverpkg=./... -coverprofile=coverage.out ./...
	$(GO) tool cover -html=coverage.out -o coverage.html
	@$(GO) tool cover -func=coverage.out | tail -n 1

share: build ## write man pages and completions to ./bin/share
	rm -rf bin/share && mkdir -p bin/share/completions
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(GO) run -tags release ./cmd/policysync man bin/share/man
	bin/policysync completion bash >bin/share/completions/policysync.bash
	bin/policysync completion zsh >bin/share/completions/_policysync
	bin/policysync completion fish >bin/share/completions/policysync.fish
	bin/policysync completion powershell >bin/share/completions/policysync.ps1
	gzip -9nc CHANGELOG.md >bin/share/CHANGELOG.md.gz
	gzip -9n bin/share/man/*
	$(LICENCES) -texts ./cmd/policysync >bin/share/third-party-licences.txt
	gzip -9nk bin/share/third-party-licences.txt

snapshot: $(RELEASE_TOOLS)/goreleaser ## make what a release of this commit would be, in ./dist
	PATH='$(RELEASE_TOOLS)':"$$PATH" goreleaser check
	PATH='$(RELEASE_TOOLS)':"$$PATH" goreleaser release --snapshot --clean --skip=docker,sign

release: $(RELEASE_TOOLS)/goreleaser ## publish the release of the tag that is checked out, with its section of CHANGELOG.md
	@mkdir -p bin && tag=$$(git describe --exact-match --tags) && \
	awk -v section="## [$${tag#v}]" 'index($$0, "## [") == 1 || /^\[[^]]*\]: / {on = index($$0, section) == 1; next} on' CHANGELOG.md >bin/notes.md && \
	{ grep -q . bin/notes.md || { echo "CHANGELOG.md has no section for $$tag: write it, and move the tag" >&2; exit 1; }; }
	PATH='$(RELEASE_TOOLS)':"$$PATH" goreleaser release --clean --release-notes bin/notes.md

# Packages are installed, systemd booted and images built by root alone.
AS_ROOT = $(if $(filter-out 0,$(shell id -u)),-exec 'sudo -n env PATH=$(PATH) HOME=$(HOME)')

packages: snapshot ## make such a release and check it; needs the programs that .ci/run names
	$(GO) test -tags release $(AS_ROOT) ./deploy/package

ci: ## all that CI checks, with the time that each step takes
	@passed=0; skipped=$$(mktemp); for step in $(CHECKS); do \
		echo "==> $$step"; start=$$(date +%s); \
		$(MAKE) --no-print-directory SKIPPED="$$skipped" $$step || { echo "<== $$step failed after $$(( $$(date +%s) - start )) s"; \
			echo "ci: $$passed passed, 1 failed"; exit 1; }; \
		echo "<== $$step took $$(( $$(date +%s) - start )) s"; passed=$$((passed + 1)); \
	done; cat "$$skipped"; \
	echo "ci: $$passed passed, 0 failed, $$(wc -l <"$$skipped") skipped"; rm "$$skipped"

$(DEPLOY_TOOLS)/helm:
	cd tools/deploy && GOBIN='$(DEPLOY_TOOLS)' $(GO) install tool

$(TOOLS)/golangci-lint:
	cd tools && GOBIN='$(TOOLS)' $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(RELEASE_TOOLS)/goreleaser:
	cd tools/release && GOBIN='$(RELEASE_TOOLS)' $(GO) install tool
