#!/usr/bin/env bash
# MobileNetV2 1.4 for Caltech Camera Traps: train the last layer, evaluate, fine-tune, evaluate.
# TF-slim's checkpoints of this network are laid out otherwise and cannot be read, so it trains
# from scratch unless CHECKPOINT_PATH is a run of this script. ALL_STEPS is empty as in the
# original: stop it with Ctrl-C, which saves, and run eval_cct_mobilenet_v2.sh.
set -euo pipefail

DATASET_NAME="${DATASET_NAME:-cct}"
DATASET_DIR="${DATASET_DIR:-/path/to/tfrecords/output}"
TRAIN_DIR="${TRAIN_DIR:-./log/$(date +"%Y-%m-%d_%H.%M.%S")-logits}"
CHECKPOINT_PATH="${CHECKPOINT_PATH:-}" # empty: train from scratch
MODEL_NAME="${MODEL_NAME:-mobilenet_v2_140}"
CHECKPOINT_EXCLUDE="${CHECKPOINT_EXCLUDE:-MobilenetV2/Logits}"
NUM_GPUS="${NUM_GPUS:-1}"
BATCH_SIZE="${BATCH_SIZE:-96}"
INIT_STEPS="${INIT_STEPS:-20000}"
INIT_LEARNING_RATE="${INIT_LEARNING_RATE:-0.045}"
INIT_DECAY_TYPE="${INIT_DECAY_TYPE:-exponential}"
INIT_EPOCHS_PER_DECAY="${INIT_EPOCHS_PER_DECAY:-1}"
ALL_STEPS="${ALL_STEPS:-}"
ALL_LEARNING_RATE="${ALL_LEARNING_RATE:-0.0045}"
ALL_EPOCHS_PER_DECAY="${ALL_EPOCHS_PER_DECAY:-5}"
DECAY_FACTOR="${DECAY_FACTOR:-0.9}"
LABEL_SMOOTHING="${LABEL_SMOOTHING:-0.1}"
MOVING_AVERAGE_DECAY="${MOVING_AVERAGE_DECAY:-0.9999}"
LOG_EVERY_N_STEPS="${LOG_EVERY_N_STEPS:-10}"

source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"
train_recipe
