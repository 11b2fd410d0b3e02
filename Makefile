# Two commands to begin with: `make demo` and `make test`. `make help` lists the rest.
# Everything is made inside this folder; nothing here is needed to use convscope (pip install .).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

DEMO := .venv
TEST := .venv-test
PAGE := tools/page
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A module is compiled once, and not by each of the hundreds of processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

# Programs in benchmarks/, each with its options.
SHORT := "startup.py" "growth.py" "ablation.py" "step.py --cases small middle" "accuracy.py digits" \
	"minutes.py --data digits --minutes 0.5" "photographs.py --images 1000"
LONG := "step.py" "accuracy.py mnist fashion-mnist cifar10 lenet" "race.py --peers" "airbench.py" "backends.py" \
	"minutes.py" "photographs.py" "one_unit.py" "page.py" "speed_page.py"

# What the wheel is made from: when none of it changed, nothing is built or installed again.
SOURCES := $(shell find src -type f -not -name '*.pyc' 2>/dev/null) pyproject.toml README.md LICENSE

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18

.PHONY: demo
demo: $(DEMO)/installed ## install convscope here and train it on handwritten digits
	@rm -rf runs/demo
	@$(DEMO)/bin/convscope train mnist --minutes 0.5 -o runs/demo --look \
		|| { echo "MNIST cannot be had here; the bundled digits are used."; rm -rf runs/demo; \
			$(DEMO)/bin/convscope train digits --size 28 --minutes 0.5 -o runs/demo --look; }
	@echo "Next: $(DEMO)/bin/convscope train my-photos/"
	@echo "Look inside what it learned: $(CURDIR)/runs/demo/look.html"

.PHONY: test
test: $(TEST)/wheel page-tools browser ## run all tests on the installed wheel (TESTS="tests/images -k gif" for some)
	$(TEST)/bin/python -m pytest -n auto --dist worksteal $(TESTS)

.PHONY: check
check: $(TEST)/wheel page-tools ## format, lint, strict types (Python and JavaScript), architecture and sizes, docs
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/ruff check .
	@$(MAKE) --no-print-directory --jobs=2 types page-types shape docs

.PHONY: types page-types shape
types:
	$(TEST)/bin/python -m mypy
page-types:
	@if [ -d $(PAGE)/node_modules ]; then echo "prettier --check; tsc --checkJs --strict"; \
		npm run --silent --prefix $(PAGE) format:check && npm run --silent --prefix $(PAGE) check; fi
shape:
	$(TEST)/bin/python -m pytest -q tests/test_architecture.py

.PHONY: docs
docs: $(TEST)/wheel ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(TEST)/bin/python -m mkdocs build --strict --quiet
	@! grep -rhoE '<(script|img|iframe)[^>]* src="?https?:[^ >]*|<link[^>]* rel="?stylesheet[^>]* href="?https?:[^ >]*' site --include='*.html' \
		|| { echo "the documentation must need no network, and asks for the above"; exit 1; }
	@echo "documentation: site/index.html"

.PHONY: gallery
gallery: $(TEST)/wheel ## train on MNIST, Fashion-MNIST and PHOTOS=FOLDER, and write their pages into docs/gallery/
	$(TEST)/bin/python tools/gallery.py $(if $(PHOTOS),--photos "$(PHOTOS)")

.PHONY: commands
commands: $(TEST)/wheel ## write docs/commands.md anew from the commands themselves
	$(TEST)/bin/python tools/commands_page.py > docs/commands.md

.PHONY: format
format: $(TEST)/tools page-tools ## let ruff and prettier format, and mend what ruff can
	$(TEST)/bin/ruff format .
	$(TEST)/bin/ruff check --fix .
	@if [ -d $(PAGE)/node_modules ]; then npm run --silent --prefix $(PAGE) format; fi

.PHONY: page-tools
page-tools: ## install what checks the page (TypeScript, prettier, axe-core, wabt) into tools/page/node_modules
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PAGE)/node_modules/installed; \
	else echo "npm is not here (it comes with Node.js 20 or later): the page's types and accessibility are not checked"; fi

# The page is tested in a real browser. Where there is none, and we may, it is installed; else those tests are left out, and
# the last lines of the tests say so. Images of the page are kept where there is a folder build/page/.
.PHONY: browser
browser: ## install Chromium, which the page is tested in, where it is not there and apt-get may be used
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null \
		&& [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; } >/dev/null \
			|| echo "chromium could not be installed: the page is not tested in a browser"; \
	fi

.PHONY: page-kernels
page-kernels: page-tools ## build the page's WebAssembly modules anew from tools/page/kernels.mjs
	npm run --silent --prefix $(PAGE) build

.PHONY: bench
bench: $(TEST)/wheel ## measure what takes a quarter of an hour into benchmarks/results/ (BENCH="step.py" for one program)
	@for program in $(if $(BENCH),"$(BENCH)",$(SHORT)); do $(TEST)/bin/python benchmarks/$$program || exit 1; done

.PHONY: bench-full
bench-full: $(TEST)/wheel ## measure everything; takes hours (CONVSCOPE_DATA names the folder of the sets)
	@for program in $(SHORT) $(LONG); do $(TEST)/bin/python benchmarks/$$program || exit 1; done

.PHONY: bench-gpu
bench-gpu: $(TEST)/wheel ## measure training and prediction on a GPU, 8 minutes (CONVSCOPE_DATA names the folder of the sets)
	@$(TEST)/bin/python benchmarks/gpu.py --data-dir "$(or $(CONVSCOPE_DATA),.)"

.PHONY: fuzz
fuzz: $(TEST)/wheel ## try damaged files, kills and full disks for hours (FUZZ="--kinds images --count 1000" for some)
	$(TEST)/bin/python -m tests.fuzz $(FUZZ)

.PHONY: clean
clean: ## remove what the targets above made, but for runs/
	rm -rf $(DEMO) $(TEST) $(PAGE)/node_modules build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: each stamp is newer than what it was made from

$(DEMO)/installed: $(SOURCES)
	@python=$$(tools/find-python.sh) && { test -x $(DEMO)/bin/python || "$$python" -m venv $(DEMO); }
	@echo "installing convscope into $(DEMO) (the first time this fetches PyTorch, which takes some minutes)"
	@$(DEMO)/bin/python -m pip install -qq --no-compile --upgrade .
	@touch $@

# Tools and dependencies: made again from nothing when pyproject.toml changed.
$(TEST)/tools: pyproject.toml
	@echo "making $(TEST) (the first time this fetches PyTorch, which takes some minutes)"
	@python=$$(tools/find-python.sh) && "$$python" -m venv --clear $(TEST)
	@$(TEST)/bin/python -m pip install -qq --no-compile ".[test,check,docs]"
	@$(TEST)/bin/python -m pip uninstall -qq --yes convscope
	@touch $@

$(PAGE)/node_modules/installed: $(PAGE)/package.json $(PAGE)/package-lock.json
	@npm ci --silent --no-audit --no-fund --prefix $(PAGE)
	@touch $@

# The wheel as a user gets it, and nothing from src/.
$(TEST)/wheel: $(TEST)/tools $(SOURCES)
	@rm -rf dist
	@$(TEST)/bin/python -m pip wheel -qq --no-deps --wheel-dir dist .
	@$(TEST)/bin/python -m pip install -qq --no-compile --no-deps --force-reinstall dist/convscope-*.whl
	@touch $@
