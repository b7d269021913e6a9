#!/usr/bin/env bash
# The main job, end to end, on generated pictures. Results go to demo_output (or $DEMO_OUTPUT).
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
ensure_environment ""
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
OUTPUT="${DEMO_OUTPUT:-demo_output}"
