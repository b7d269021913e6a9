#!/usr/bin/env bash
# Install what the tests need and run them all. Arguments go to pytest: scripts/test.sh -m "not slow"
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
ensure_environment "$TEST_EXTRAS"
ensure_pretrained # without them, the tests that ask them are skipped and say so
ensure_npm # without Azure's stand-ins, the tests that ask them are skipped and say so
# Pages are tried in a real browser. Where it is not there and cannot be installed, those tests are skipped and say so.
if [ -z "${TF_CLASSIFICATION_SKIP_APT:-}" ] && ! command -v chromedriver >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing Debian's Chromium for the tests of pages; TF_CLASSIFICATION_SKIP_APT=1 keeps this script from it"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver; } </dev/null >/dev/null 2>&1 ||
        echo "Chromium could not be installed: the tests of pages will be skipped"
fi
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
# A file's tests share what it made for them, so they stay on one processor; "-n 0" runs all in one process.
python -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
