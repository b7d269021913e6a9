#!/usr/bin/env bash
# Lint, format, types, the architecture test and the documentation, whose dead links end it. Green before every commit.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
ensure_environment "$TEST_EXTRAS"
ruff check .
ruff format --check .
mypy
python -m pytest -q -m "not slow" tests/test_architecture.py tests/test_documentation.py tests/docs
sphinx-build -W -q docs docs/_build
