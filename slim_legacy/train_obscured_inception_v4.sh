#!/usr/bin/env bash
# Inception V4 for obscured pictures: train the last layer, evaluate, fine-tune, evaluate.
# For a dataset of your own copy this file and adjust the variables. Each can also be set for
# one run: DATASET_DIR=/path/to/tfrecords/output bash train_obscured_inception_v4.sh
set -euo pipefail

DATASET_NAME="${DATASET_NAME:-obscured}"
DATASET_DIR="${DATASET_DIR:-/path/to/tfrecords/output}"
TRAIN_DIR="${TRAIN_DIR:-./log/$(date +"%Y-%m-%d_%H.%M.%S")_obscured_incv4}"
CHECKPOINT_PATH="${CHECKPOINT_PATH-/path/to/inception_v4.ckpt}" # empty: train from scratch
MODEL_NAME="${MODEL_NAME:-inception_v4}"
CHECKPOINT_EXCLUDE="${CHECKPOINT_EXCLUDE:-InceptionV4/AuxLogits,InceptionV4/Logits}"
NUM_GPUS="${NUM_GPUS:-1}"
BATCH_SIZE="${BATCH_SIZE:-32}"
INIT_STEPS="${INIT_STEPS:-1000}"
ALL_STEPS="${ALL_STEPS:-1600}"
ALL_LEARNING_RATE="${ALL_LEARNING_RATE:-0.00045}"
ALL_EPOCHS_PER_DECAY="${ALL_EPOCHS_PER_DECAY:-1000}"
LOG_EVERY_N_STEPS="${LOG_EVERY_N_STEPS:-10}"
SAVE_INTERVAL_SECS="${SAVE_INTERVAL_SECS:-180}"

source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"
train_recipe
