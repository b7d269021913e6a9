#!/usr/bin/env bash
# Top-1 and top-5 accuracy of the newest run in ./log, or of CHECKPOINT_PATH.
set -euo pipefail

DATASET_NAME="${DATASET_NAME:-cct}"
DATASET_DIR="${DATASET_DIR:-/path/to/tfrecords/output}"
CHECKPOINT_PATH="${CHECKPOINT_PATH:-}" # a folder: its latest; empty: the newest ./log/*/all
MODEL_NAME="${MODEL_NAME:-mobilenet_v2_140}"
MOVING_AVERAGE_DECAY="${MOVING_AVERAGE_DECAY:-0.9999}"

source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"
eval_recipe
