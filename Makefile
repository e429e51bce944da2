# Everything runs in .venv, made from requirements.lock on first use. Nothing else is assumed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo pictures screenshots test test-slow lint format starter bench bench-app faults audit report reproduction lock clean
.DELETE_ON_ERROR:

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# Two stamps, so that an edit of pyproject.toml does not install the world again.
.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("eclipsed needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.lock
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

install: .venv/.installed  ## the package and its tools in .venv
	@echo "Installed: $(BIN)/eclipsed. To call it by its name alone: . $(BIN)/activate"

demo: .venv/.installed  ## train, edit and score a few directions; files land in demo/
	GOMP_SPINCOUNT=$${GOMP_SPINCOUNT:-1000} $(BIN)/python examples/demo.py demo

pictures: demo  ## remake the pictures of README.md with `make demo`'s
	cp demo/curly-hair.png demo/composed.png demo/paper-against-default.png docs/pictures/
	$(BIN)/eclipsed train "a blue hoodie on a yellow background" -o demo/several.safetensors
	$(BIN)/eclipsed strip -d demo/several.safetensors --seeds 1,4,7 --strengths 0,0.5,1 -o docs/pictures/several.png
	$(BIN)/python -m benchmarks.photos.picture docs/pictures/photo.png

screenshots: .venv/.installed  ## remake the pictures of the editor in docs/pictures (needs Chromium)
	$(BIN)/python -m benchmarks.screenshots docs/pictures

lint: .venv/.installed  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.installed  ## let ruff tidy the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint  ## lint, then the tests that take seconds
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --durations=15

test-slow: .venv/.installed  ## every test
	$(BIN)/python -m pytest --durations=15

starter: .venv/.installed  ## remake the starter world's art and weights from nothing (hours, resumable)
	$(BIN)/python -m kits.starter.renderer
	$(BIN)/python -m kits.starter.recipe
	$(BIN)/python -m kits.starter.fit_inverter
	$(BIN)/python -m kits.starter.shipped

bench: .venv/.installed  ## time sampling, editing and training, a step at real sizes, a busy neighbour
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.paper_step
	$(BIN)/python -m benchmarks.threads

bench-app: .venv/.installed  ## time the editor in a real browser (needs Chromium)
	$(BIN)/python -m benchmarks.editor

faults: .venv/.installed  ## inject what can go wrong, and write docs/faults.md
	$(BIN)/python -m benchmarks.faults -o docs/faults.md

audit: .venv/.installed  ## licences of all packages, and their known holes (needs pip-audit)
	$(BIN)/python -m benchmarks.audit

# Rows and directions lie in the archive, so that this says again what is known and measures the rest.
report: .venv/.installed  ## the bench of docs/bench: methods side by side (40 minutes at most, then again)
	mkdir -p docs/bench
	cd docs/bench && if test -f bench.tar.xz; then tar xJf bench.tar.xz; fi
	$(BIN)/eclipsed bench -o docs/bench
	cd docs/bench && tar cJf bench.tar.xz --sort=name --owner=0 --group=0 rows.jsonl cards

# The rows lie in the archive, so that this says again what is known and measures the rest.
reproduction: .venv/.installed  ## rerun the paper's table and figures into reproduction/rerun (resumable)
	test -d reproduction/rerun || { mkdir reproduction/rerun && tar xJf reproduction/rows.tar.xz -C reproduction/rerun; }
	$(BIN)/python -m reproduction all

# torch is installed first so that the plain CPU build is taken where one is offered;
# the local part of its version ("+cpu") is dropped so that the lock fits every machine.
lock:  ## write requirements.lock anew from pyproject.toml
	rm -rf .lock-venv && $(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet $$(sed -n 's/^\(torch==[0-9.]*\)$$/\1/p' requirements.lock) hatchling editables
	.lock-venv/bin/python -m pip install --quiet -e '.[dev]'
	{ sed -n '/^#/p' requirements.lock; .lock-venv/bin/python -m pip freeze --exclude eclipsed | sed 's/+cpu$$//'; } > requirements.lock.new
	mv requirements.lock.new requirements.lock && rm -rf .lock-venv

clean:  ## remove what can be made again
	rm -rf .venv .lock-venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist demo
