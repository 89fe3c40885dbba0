# Everything that a checkout can do. `make` alone explains itself.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Build results lie outside the checkout, one folder a compiler version, so that checkouts share what is the same.
export PATH := $(PATH):$(HOME)/.cargo/bin
RUSTC_VERSION := $(shell rustc -V 2>/dev/null | cut -d' ' -f2)
export CARGO_TARGET_DIR ?= $(HOME)/.cache/coord/target-$(RUSTC_VERSION)
# Integration tests start real processes; more at once than a small machine can run would only make them wait.
export RUST_TEST_THREADS ?= 2

# --locked: what is built is what Cargo.lock says.
CARGO_FLAGS ?= --locked
OLDEST_RUSTC := 1.95
# Programs that some tests drive, each with the Debian package that has it.
TEST_TOOLS := shellcheck:shellcheck php:php-cli strace:strace systemd-nspawn:systemd-container mmdebstrap:mmdebstrap lxc-start:lxc
# Packages of test-machine, each with a program that it brings.
MACHINE_TOOLS := qemu-system-x86:qemu-system-x86_64 mmdebstrap:mmdebstrap e2fsprogs:mke2fs util-linux:setpriv binutils:strip

# Packages of make packages and of its tests, in the same form.
PACKAGE_TOOLS := python3-venv:python3 mmdebstrap:mmdebstrap binutils:readelf xz-utils:xz
PACKAGE_TEST_TOOLS := $(PACKAGE_TOOLS) systemd-container:systemd-nspawn lintian:lintian rpm:rpm skopeo:skopeo umoci:umoci \
	qemu-user-static:qemu-aarch64-static

.PHONY: help
help: ## this text
	@echo 'Coord: what a checkout can do'
	@echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  ONCE=1 make demo          stops by itself'
	@echo '  KUBERNETES=1 make demo    with a real Kubernetes control plane whose Nodes get labels and taints'
	@echo '  make test ARGS="--test tidy" passes arguments on to cargo test'
	@echo
	@echo 'Results are kept in $(CARGO_TARGET_DIR) (set CARGO_TARGET_DIR for another place).'

.PHONY: demo
demo: toolchain $(if $(filter-out 0,$(KUBERNETES)),control-plane) ## a whole home on this machine: a coordinator, nine agents, what coordctl shows of them
	@cargo build $(CARGO_FLAGS) --workspace --bins
	@"$(CARGO_TARGET_DIR)/debug/demo" $(if $(filter-out 0,$(ONCE)),--once) $(if $(filter-out 0,$(KUBERNETES)),--kubernetes)

# A narrowed run needs the control plane only where it names a test that has one.
WANTS_CONTROL_PLANE = $(if $(ARGS),$(findstring kubernetes,$(ARGS))$(findstring demo,$(ARGS)),all)

.PHONY: test
test: toolchain test-tools $(if $(WANTS_CONTROL_PLANE),control-plane) ## all tests; ends with counts of passed, failed and skipped
	@cargo build $(CARGO_FLAGS) --workspace --bins
	@# The pure crates without what other crates would switch on in their dependencies.
	@cargo check $(CARGO_FLAGS) -q -p coord-planner
	@"$(CARGO_TARGET_DIR)/debug/count" $(CARGO_FLAGS) $(ARGS)

# A skip is a failure here, as under CI: what this target is for has to run.
.PHONY: test-machine
test-machine: toolchain machine-tools ## a virtual machine: a kernel NFS server stopped mid-way, a render node, systemd
	@cargo build $(CARGO_FLAGS) --workspace --bins
	@CI=true "$(CARGO_TARGET_DIR)/debug/count" $(CARGO_FLAGS) --features coord-tests/machine --test machine $(ARGS)

.PHONY: fuzz
fuzz: toolchain ## every fuzz target for FUZZ_SECONDS (60); ARGS="mountinfo" picks one
	@cargo build $(CARGO_FLAGS) -p coord-tests --bin fuzz
	@"$(CARGO_TARGET_DIR)/debug/fuzz" $(ARGS)

.PHONY: lint
lint: toolchain ## format and clippy, as strict as a review
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets --features coord-tests/machine -- -D warnings

.PHONY: fmt
fmt: toolchain ## format all code
	cargo fmt --all

.PHONY: bench
bench: toolchain ## memory, CPU, wire and latency of what ships, measured on this machine
	@cargo build $(CARGO_FLAGS) --release -p coordinator -p coordctl -p coord-tests --bins
	@cargo build $(CARGO_FLAGS) --profile agent -p coord-agent
	@install "$(CARGO_TARGET_DIR)/agent/coord-agent" "$(CARGO_TARGET_DIR)/agent/coord-helper" "$(CARGO_TARGET_DIR)/release/"
	@"$(CARGO_TARGET_DIR)/release/bench" $(ARGS)

# A folder of its own: what is built for others is built with other flags.
.PHONY: packages
packages: toolchain package-tools ## packages, images and sums for x86-64 and arm64 in dist/; TARGETS=x86_64-unknown-linux-gnu makes fewer
	@CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/packages" packaging/release/packages.sh "$(CURDIR)/dist"

.PHONY: packages-twice
packages-twice: packages ## the same again from nothing: fails unless every file comes out the same
	@cp dist/SHA256SUMS "$(CARGO_TARGET_DIR)/first.sums" && rm -rf "$(CARGO_TARGET_DIR)/packages"
	@CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/packages" packaging/release/packages.sh "$(CURDIR)/dist"
	@diff "$(CARGO_TARGET_DIR)/first.sums" dist/SHA256SUMS && echo "all $$(wc -l <dist/SHA256SUMS) files are the same" >&2

.PHONY: test-packages
test-packages: toolchain package-test-tools ## installs what lies in dist/ on real systemds: join, upgrade, purge; rpm; arm64
	@[ -e dist/SHA256SUMS ] || { echo "error: dist/ is empty; make it: make packages" >&2; exit 1; }
	@cargo build $(CARGO_FLAGS) --workspace --bins
	@CI=true "$(CARGO_TARGET_DIR)/debug/count" $(CARGO_FLAGS) --features coord-tests/machine --test packages $(ARGS)

.PHONY: portable
portable: toolchain ## check coordctl for macOS and Windows, where their std and a C compiler for them are installed
	@for target in x86_64-pc-windows-gnu x86_64-apple-darwin aarch64-apple-darwin; do \
		if [ -d "$$(rustc --print sysroot)/lib/rustlib/$$target/lib" ]; then \
			echo "coordctl for $$target"; cargo check $(CARGO_FLAGS) -p coordctl --target $$target || exit 1; \
		else \
			echo "not checked: coordctl for $$target (rustup target add $$target)"; \
		fi; \
	done

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null && command -v rustc >/dev/null || { \
		echo "error: cargo is missing; get Rust $(OLDEST_RUSTC) or newer: apt-get install rustup && rustup default stable" >&2; exit 1; }
	@command -v cc >/dev/null || { \
		echo "error: a C compiler is missing (SQLite and ring are built from source); get one: apt-get install gcc libc6-dev" >&2; exit 1; }
	@printf '%s\n' $(OLDEST_RUSTC) "$(RUSTC_VERSION)" | sort -V -C || { \
		echo "error: rustc $(RUSTC_VERSION) is older than $(OLDEST_RUSTC); get a newer one: rustup update stable" >&2; exit 1; }

# A missing tool is no failure here: the tests that need it say so and are counted as skipped.
.PHONY: test-tools
test-tools:
	@missing=; for tool in $(TEST_TOOLS); do \
		command -v $${tool%%:*} >/dev/null || missing="$$missing $${tool##*:}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing for the tests:$$missing" >&2; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ timeout 120 apt-get -qq update && timeout 180 apt-get -qq -y install --no-install-recommends $$missing; } </dev/null >/dev/null 2>&1 \
			|| echo "note: could not install$$missing; tests that need them are skipped" >&2; \
	else \
		echo "note:$$missing is missing; tests that need it are skipped (apt-get install$$missing)" >&2; \
	fi

# Without it the tests that need it say so and are counted as skipped.
.PHONY: control-plane
control-plane:
	@tests/kubernetes/build.sh || true

.PHONY: machine-tools package-tools package-test-tools
machine-tools: WANTED := $(MACHINE_TOOLS)
package-tools: WANTED := $(PACKAGE_TOOLS)
package-test-tools: WANTED := $(PACKAGE_TEST_TOOLS)
machine-tools package-tools package-test-tools:
	@missing=; for tool in $(WANTED); do command -v $${tool#*:} >/dev/null || missing="$$missing $${tool%:*}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then echo "error:$$missing is missing; get it: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing:$$missing" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ apt-get -qq update && apt-get -qq -y install --no-install-recommends $$missing; } </dev/null >/dev/null \
		|| { echo "error: could not install$$missing" >&2; exit 1; }
