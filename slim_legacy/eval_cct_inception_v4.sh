#!/usr/bin/env bash
# Top-1 and top-5 accuracy of the newest run in ./log, or of CHECKPOINT_PATH.
set -euo pipefail

DATASET_NAME="${DATASET_NAME:-cct}"
DATASET_DIR="${DATASET_DIR:-/path/to/tfrecords/output}"
CHECKPOINT_PATH="${CHECKPOINT_PATH:-}" # a folder: its latest; empty: the newest ./log/*/all
MODEL_NAME="${MODEL_NAME:-inception_v4}"

source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"
eval_recipe
