#!/usr/bin/env bash
# Freeze a trained Inception V4 with its preprocessing: one .pb with nodes "input" and "output".
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"

DATASET_NAME="${DATASET_NAME:-serengeti}"
DATASET_DIR="${DATASET_DIR:-}" # needed for DATASET_NAME=auto only
CHECKPOINT_DIR="${CHECKPOINT_DIR:-$(newest_run)}" # its latest checkpoint; empty: the newest run's
MODEL_NAME="${MODEL_NAME:-inception_v4}"
OUTPUT_GRAPH="${OUTPUT_GRAPH:-$CHECKPOINT_DIR/${DATASET_NAME}_${MODEL_NAME}_$(date +"%Y_%m_%d")_w_preprocessing.pb}"

[ -d "$CHECKPOINT_DIR" ] || { echo "error: no run in ./log; set CHECKPOINT_DIR" >&2; exit 2; }
python "$SLIM/export_inference_graph.py" \
    --model_name="$MODEL_NAME" \
    --output_file="$CHECKPOINT_DIR/${MODEL_NAME}_inf_graph_def.pbtxt" \
    --dataset_name="$DATASET_NAME" \
    --dataset_dir="$DATASET_DIR" \
    --write_text_graphdef=True

python "$SLIM/freeze_graph.py" \
    --input_graph="$CHECKPOINT_DIR/${MODEL_NAME}_inf_graph_def.pbtxt" \
    --input_checkpoint="$CHECKPOINT_DIR" \
    --output_graph="$OUTPUT_GRAPH" \
    --input_node_names=input \
    --output_node_names=output \
    --clear_devices=True
echo "$OUTPUT_GRAPH"
