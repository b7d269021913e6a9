#!/usr/bin/env bash
# Inception V4 for Wellington Camera Traps: train the last layer, evaluate, fine-tune, evaluate.
# For a dataset of your own copy this file and adjust the variables. Each can also be set for
# one run: DATASET_DIR=/path/to/tfrecords/output bash train_well_inception_v4.sh
set -euo pipefail

DATASET_NAME="${DATASET_NAME:-wellington}"
DATASET_DIR="${DATASET_DIR:-/path/to/tfrecords/output}"
TRAIN_DIR="${TRAIN_DIR:-./log/$(date +"%Y-%m-%d_%H.%M.%S")_well_incv4}"
CHECKPOINT_PATH="${CHECKPOINT_PATH-/path/to/inception_v4.ckpt}" # empty: train from scratch
MODEL_NAME="${MODEL_NAME:-inception_v4}"
CHECKPOINT_EXCLUDE="${CHECKPOINT_EXCLUDE:-InceptionV4/AuxLogits,InceptionV4/Logits}"
NUM_GPUS="${NUM_GPUS:-1}"
BATCH_SIZE="${BATCH_SIZE:-32}"
INIT_STEPS="${INIT_STEPS:-10000}"
ALL_STEPS="${ALL_STEPS:-300000}"
ALL_LEARNING_RATE="${ALL_LEARNING_RATE:-0.0045}"
ALL_EPOCHS_PER_DECAY="${ALL_EPOCHS_PER_DECAY:-2}"
LOG_EVERY_N_STEPS="${LOG_EVERY_N_STEPS:-100}"

source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"
train_recipe
