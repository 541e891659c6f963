# Camera Appliance: run `make help` for a list of targets.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
HOME_ASSISTANT_VENV ?= .venv-home-assistant
CYCLES ?= 1000
FORMATS ?= 200
KILLS ?= 200
SECONDS ?= 300
EXAMPLES ?= 1000
# Tests wait more than they compute, so there is one worker more than there are cores.
WORKERS ?= $(shell expr 1 + $$(nproc))
INVENTORY ?= deploy/ansible/inventory.yml
SHELL := /bin/bash
# The tests start hundreds of interpreters, each of which would compile all modules without their cached bytecode.
export PYTHONDONTWRITEBYTECODE :=
# A pyenv shim may belong to a Python version that is not selected, so each candidate is executed.
PYTHONS_3_13 = python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python)
HOME_ASSISTANT_PYTHON ?= $(firstword $(foreach each,$(PYTHONS_3_13),$(shell $(each) -c "import venv" 2>/dev/null && echo $(each))))
BIN := $(VENV)/bin

ANSIBLE = cd deploy/ansible && $(abspath $(BIN))/ansible-playbook --inventory $(abspath $(INVENTORY))

# CHECK=1 checks the format instead of changing files, for continuous integration.
FORMAT_PYTHON := ruff format $(if $(CHECK),--check,)
FORMAT_WEB := npm run --silent format$(if $(CHECK),:check,)

.DEFAULT_GOAL := help
.PHONY: help run dev flash deploy status uninstall test test-system test-vm test-home-assistant test-browsers test-clients fuzz fuzz-camera soak bench kill lock audit build clean install install-tests \
  install-web format lint docs screenshots wheel

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 24

run: install ## run the appliance on http://127.0.0.1:8000 (ARGS="--camera-source test-pattern")
	@exec $(BIN)/camera-appliance run $(ARGS)

dev: $(VENV)/.tests-installed ## run it with debug logs, and restart it after each change of the source
	@exec $(BIN)/watchfiles --filter python --target-type command \
	  "$(BIN)/camera-appliance run --log-level debug $(ARGS)" appliance

flash: $(VENV)/.controller-installed ## write an SD card (HOST=porch.local IMAGE=x.img.xz SHA256=... DEVICE=/dev/sdX [SERIAL=...])
	@tests/install-packages mcopy:mtools xz:xz-utils
	@$(if $(DEVICE),exec $(BIN)/python -m deploy.flash card --host "$(HOST)" --inventory "$(INVENTORY)" \
	  --image "$(IMAGE)" --sha256 "$(SHA256)" --device "$(DEVICE)" --serial "$(SERIAL)" -- $(ARGS), \
	  exec $(BIN)/python -m deploy.flash disks)

deploy: $(VENV)/.controller-installed wheel ## deploy to every host in the inventory (LIMIT=porch.local ARGS="--check --diff")
	@$(ANSIBLE) site.yml $(if $(LIMIT),--limit $(LIMIT),) $(ARGS)

status: $(VENV)/.controller-installed ## show the state, frame rate, frame age and free disk space of every camera
	@table=$$(mktemp); log=$$(mktemp); trap 'rm -f "$$table" "$$log"' EXIT; \
	  $(ANSIBLE) status.yml --extra-vars camera_appliance_table=$$table $(if $(LIMIT),--limit $(LIMIT),) $(ARGS) \
	  >$$log 2>&1; if [ -s $$table ]; then cat $$table; else cat $$log; exit 1; fi

uninstall: $(VENV)/.controller-installed ## remove the cameras in the inventory, but keep their pictures (LIMIT=porch.local)
	@$(ANSIBLE) uninstall.yml $(if $(LIMIT),--limit $(LIMIT),) $(ARGS)

test: install-tests install-web ## run all tests (ARGS="-k stream": only some)
	$(BIN)/python -m pytest $(if $(findstring .py,$(ARGS)),,--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder) $(ARGS)

test-system: install-tests wheel ## boot a real system, deploy to it and test it there (as root; SKIP_SYSTEM=1 skips it)
	@tests/install-packages systemd-nspawn:systemd-container mmdebstrap:mmdebstrap ssh:openssh-client ip:iproute2 \
	  unshare:util-linux
	$(BIN)/python -m tests.system $(ARGS)

# Packages for the emulated machine: QEMU and, for another architecture, user-mode emulation during installation.
VM_PACKAGES_amd64 = qemu-system-x86_64:qemu-system-x86
VM_PACKAGES_arm64 = qemu-system-aarch64:qemu-system-arm $(if $(filter aarch64,$(shell uname -m)),,qemu-aarch64-static:qemu-user-static arch-test:arch-test)

test-vm: install-tests wheel ## test flashing, deployment and failures of a whole computer with a USB camera, in QEMU (as root; ARCH=arm64)
	@tests/install-packages mmdebstrap:mmdebstrap ssh:openssh-client ip:iproute2 unshare:util-linux mkfs.ext4:e2fsprogs \
	  $(VM_PACKAGES_$(or $(ARCH),amd64))
	ARCH=$(ARCH) $(BIN)/python -m tests.vm $(ARGS)

test-browsers: install-tests ## test the page in Chromium, Firefox ESR and WebKitGTK (LONG=1: watch for ten minutes)
	@tests/install-packages chromedriver:chromium-driver firefox-esr:firefox-esr WebKitWebDriver:webkit2gtk-driver \
	  Xvfb:xvfb nginx:nginx-light
	LONG=$(LONG) $(BIN)/python -m pytest tests/browsers --numprocesses 3 $(ARGS)

test-clients: SECONDS = 10
test-clients: install-tests build/clients/octoprint/.installed build/clients/motioneye/.installed build/clients/moonraker/.installed $(HOME_ASSISTANT_VENV)/.with-cameras ## test the commands of docs/clients.md with the real programs (SECONDS=60: watch longer)
	@tests/install-packages ffmpeg:ffmpeg gst-launch-1.0:gstreamer1.0-tools /usr/share/doc/gstreamer1.0-plugins-good:gstreamer1.0-plugins-good \
	  vlc:vlc-bin /usr/share/doc/vlc-plugin-base:vlc-plugin-base mpv:mpv motion:motion nginx:nginx-light apache2:apache2-bin haproxy:haproxy caddy:caddy \
	  prometheus:prometheus curl:curl wget:wget
	CLIENT_SECONDS=$(SECONDS) HOME_ASSISTANT_VENV=$(HOME_ASSISTANT_VENV) $(BIN)/python -m pytest tests/clients \
	  --numprocesses 2 --dist loadfile --durations 5 $(ARGS)

# OctoPrint, motionEye and Moonraker, each in an environment of its own.
build/clients/%/.installed: tests/clients/requirements-%.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --no-compile --requirement $<
	@touch $@

# The integration "Generic Camera" imports these; nothing else in Home Assistant's tests does.
$(HOME_ASSISTANT_VENV)/.with-cameras: $(HOME_ASSISTANT_VENV)/.installed tests/clients/requirements-home-assistant.txt
	$(HOME_ASSISTANT_VENV)/bin/python -m pip install --quiet --no-deps --no-compile --requirement tests/clients/requirements-home-assistant.txt
	@touch $@

fuzz: install-tests ## fuzz HTTP with valid and invalid requests derived from OpenAPI (EXAMPLES=1000)
	$(BIN)/python -m tests.http.fuzz --examples $(EXAMPLES)

test-home-assistant: install-tests $(HOME_ASSISTANT_VENV)/.installed ## run the tests with a real Home Assistant (Python 3.13, 500 MB)
	HOME_ASSISTANT_VENV=$(HOME_ASSISTANT_VENV) $(BIN)/python -m pytest tests/home_assistant $(ARGS)

soak: install-tests ## unplug, replug and change formats for hours (CYCLES=1000 FORMATS=200)
	$(BIN)/python -m tests.soak --cycles $(CYCLES) --formats $(FORMATS)

bench: install-tests ## compare with ustreamer and motion, and write docs/benchmarks.md (QUICK=1: two minutes, no documents)
	@tests/install-packages ustreamer:ustreamer $(if $(QUICK),,motion:motion) /usr/include/openssl/ssl.h:libssl-dev
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick,)

kill: install-tests ## kill -9 the appliance repeatedly while it stores pictures (KILLS=200)
	$(BIN)/python -m tests.kill --kills $(KILLS)

fuzz-camera: install-tests ## fuzz the handling of camera data, guided by coverage (SECONDS=300)
	@$(BIN)/python -m pip install --quiet --only-binary=:all: atheris || \
	  { echo "atheris has no wheel for this Python and machine; tests/test_untrusted.py tests without it"; exit 1; }
	$(BIN)/python -m tests.fuzz_camera -max_total_time=$(SECONDS)

lock: $(VENV)/bin/python ## update requirements.lock from requirements.txt, with the hash of every file
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" --output-file requirements.lock requirements.txt
	@for python in 3.11 3.12 3.13; do for machine in x86_64 aarch64; do \
	  $(BIN)/uv pip install --quiet --no-config --dry-run --target build/lock --only-binary :all: --require-hashes \
	    --python-version $$python --python-platform $$machine-manylinux_2_28 --requirement requirements.lock \
	  && echo "Python $$python on $$machine: a wheel for everything" || exit 1; done; done

audit: $(VENV)/bin/python ## check the deployed packages for known vulnerabilities (status 2: the check was not possible)
	@$(BIN)/python -m pip install --quiet pip-audit
	@$(BIN)/python -m tests.audit

build: clean install-tests install-web format lint ## clean caches, install, format and lint (CHECK=1: change nothing)

install: $(VENV)/.installed ## install the appliance into a virtual environment

install-tests: $(VENV)/.tests-installed $(VENV)/cloud-init ## install the dependencies of the tests, including system packages
	@tests/install-packages chromium:chromium mosquitto:mosquitto mosquitto_pub:mosquitto-clients openssl:openssl systemd-analyze:systemd \
	  v4l2-ctl:v4l-utils gcc:gcc /usr/include/stdio.h:libc6-dev /usr/include/linux/videodev2.h:linux-libc-dev \
	  nginx:nginx-light apache2:apache2-bin mcopy:mtools mkfs.vfat:dosfstools sfdisk:fdisk xz:xz-utils

install-web: node_modules/.installed ## install the formatter and the linters for the page

format: ## format Python, web files and documents
	$(BIN)/$(FORMAT_PYTHON) .
	$(FORMAT_WEB)

lint: ## lint Python and the page, and check all types
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --strict tests benchmarks
	npm run --silent lint

docs: $(VENV)/.tests-installed ## update the generated documents
	$(BIN)/python -m appliance.documentation .

screenshots: install-tests ## update the screenshots of the page
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

wheel: install ## build the wheel into dist/
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 1700000000) $(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove caches and build results
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './.venv-*/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tests/install-packages -:python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python setup.py pyproject.toml requirements.txt
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.tests-installed: $(VENV)/.installed requirements-dev.txt deploy/requirements.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

$(VENV)/.controller-installed: $(VENV)/bin/python deploy/requirements.txt
	$(BIN)/python -m pip install --quiet --requirement deploy/requirements.txt
	@touch $@

$(VENV)/cloud-init: | $(VENV)/bin/python
	@tests/flash/unpack-cloud-init $@

$(HOME_ASSISTANT_VENV)/.installed: tests/home_assistant/requirements.txt
	@[ -n "$(HOME_ASSISTANT_PYTHON)" ] || \
	  { echo "Home Assistant needs Python 3.13: install it, or name it with HOME_ASSISTANT_PYTHON=..."; exit 1; }
	@$(HOME_ASSISTANT_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || \
	  { echo "Home Assistant needs Python 3.13; $(HOME_ASSISTANT_PYTHON) is $$($(HOME_ASSISTANT_PYTHON) --version 2>&1)"; exit 1; }
	$(HOME_ASSISTANT_PYTHON) -m venv --clear $(HOME_ASSISTANT_VENV)
	$(HOME_ASSISTANT_VENV)/bin/python -m pip install --quiet --no-deps --no-compile --requirement $<
	@touch $@

node_modules/.installed: package.json package-lock.json
	@tests/install-packages node:nodejs npm:npm
	npm ci --silent --no-audit --no-fund
	@touch $@
