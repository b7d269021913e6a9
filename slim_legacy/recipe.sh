# Sourced by the other scripts, which set the variables; runs the commands.
#
# newest_run:   print the folder of the newest run's second phase.
# train_recipe: train the last layer, evaluate, fine-tune the whole network, evaluate.
# eval_recipe:  evaluate once.
#
# Phase 1 goes to $TRAIN_DIR/init, phase 2 to $TRAIN_DIR/all. Started again with the same
# TRAIN_DIR it goes on from the last checkpoint; once phase 2 has begun, phase 1 is over.
# Variables that a script does not set:
INIT_LEARNING_RATE="${INIT_LEARNING_RATE:-0.01}"
INIT_DECAY_TYPE="${INIT_DECAY_TYPE:-fixed}"
INIT_EPOCHS_PER_DECAY="${INIT_EPOCHS_PER_DECAY:-2}"
INIT_STEPS="${INIT_STEPS:-10000}"
ALL_LEARNING_RATE="${ALL_LEARNING_RATE:-0.0045}"
ALL_EPOCHS_PER_DECAY="${ALL_EPOCHS_PER_DECAY:-2}"
ALL_STEPS="${ALL_STEPS-300000}" # empty: until it is stopped
DECAY_FACTOR="${DECAY_FACTOR:-0.94}"
LABEL_SMOOTHING="${LABEL_SMOOTHING:-0}"
MOVING_AVERAGE_DECAY="${MOVING_AVERAGE_DECAY:-}"
BATCH_SIZE="${BATCH_SIZE:-32}"
EVAL_BATCH_SIZE="${EVAL_BATCH_SIZE:-100}"
NUM_GPUS="${NUM_GPUS:-1}"
SAVE_INTERVAL_SECS="${SAVE_INTERVAL_SECS:-600}"
LOG_EVERY_N_STEPS="${LOG_EVERY_N_STEPS:-100}"
TRAIN_SPLIT="${TRAIN_SPLIT:-train}"
TEST_SPLIT="${TEST_SPLIT:-test}"

export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
SLIM="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

check_dataset() {
    [ -d "$DATASET_DIR" ] ||
        { echo "error: DATASET_DIR=$DATASET_DIR is no folder; set it at the top of the script" >&2; exit 2; }
}

train() { # train FOLDER FLAG...
    local folder="$1"
    shift
    python "$SLIM/train_image_classifier.py" \
        --train_dir="$folder" \
        --dataset_dir="$DATASET_DIR" \
        --dataset_name="$DATASET_NAME" \
        --dataset_split_name="$TRAIN_SPLIT" \
        --model_name="$MODEL_NAME" \
        --batch_size="$BATCH_SIZE" \
        --num_clones="$NUM_GPUS" \
        --learning_rate_decay_factor="$DECAY_FACTOR" \
        --label_smoothing="$LABEL_SMOOTHING" \
        ${MOVING_AVERAGE_DECAY:+--moving_average_decay="$MOVING_AVERAGE_DECAY"} \
        --save_interval_secs="$SAVE_INTERVAL_SECS" \
        --save_summaries_secs=600 \
        --optimizer=rmsprop \
        --weight_decay=0.00004 \
        "$@"
}

evaluate() { # evaluate FOLDER_OR_CHECKPOINT [FOLDER_FOR_EVENTS]
    python "$SLIM/eval_image_classifier.py" \
        --checkpoint_path="$1" \
        --eval_dir="${2:-$1}" \
        --dataset_dir="$DATASET_DIR" \
        --dataset_name="$DATASET_NAME" \
        --dataset_split_name="$TEST_SPLIT" \
        --model_name="$MODEL_NAME" \
        --batch_size="$EVAL_BATCH_SIZE" \
        ${MOVING_AVERAGE_DECAY:+--moving_average_decay="$MOVING_AVERAGE_DECAY"}
}

train_recipe() {
    check_dataset
    local from=()
    if [ -z "$CHECKPOINT_PATH" ]; then
        echo "CHECKPOINT_PATH is empty: training the whole network from scratch, without phase 1"
    else
        from=(--checkpoint_path="$TRAIN_DIR/init")
        if [ -e "$TRAIN_DIR/all/checkpoint" ]; then
            echo "Phase 1 is over: $TRAIN_DIR/all has begun"
        else
            train_last_layer
        fi
    fi
    echo "Fine-tuning the whole network in $TRAIN_DIR/all"
    train "$TRAIN_DIR/all" ${from[@]+"${from[@]}"} \
        ${ALL_STEPS:+--max_number_of_steps="$ALL_STEPS"} \
        --learning_rate="$ALL_LEARNING_RATE" \
        --num_epochs_per_decay="$ALL_EPOCHS_PER_DECAY" \
        --log_every_n_steps="$LOG_EVERY_N_STEPS"
    echo "Top-1 (Accuracy) and top-5 (Recall_5) of the whole network:"
    evaluate "$TRAIN_DIR/all"
}

train_last_layer() {
    echo "Training the last layer in $TRAIN_DIR/init"
    train "$TRAIN_DIR/init" \
        --checkpoint_path="$CHECKPOINT_PATH" \
        --checkpoint_exclude_scopes="$CHECKPOINT_EXCLUDE" \
        --trainable_scopes="$CHECKPOINT_EXCLUDE" \
        --max_number_of_steps="$INIT_STEPS" \
        --learning_rate="$INIT_LEARNING_RATE" \
        --learning_rate_decay_type="$INIT_DECAY_TYPE" \
        --num_epochs_per_decay="$INIT_EPOCHS_PER_DECAY" \
        --log_every_n_steps="$LOG_EVERY_N_STEPS"
    echo "Top-1 (Accuracy) and top-5 (Recall_5) after the last layer:"
    evaluate "$TRAIN_DIR/init"
}

newest_run() { # names of runs start with their date, so the last in order is the newest
    { find log -mindepth 2 -maxdepth 2 -type d -name all 2>/dev/null || true; } | sort | tail -n 1
}

eval_recipe() {
    check_dataset
    if [ -z "$CHECKPOINT_PATH" ]; then
        CHECKPOINT_PATH="$(newest_run)"
        [ -n "$CHECKPOINT_PATH" ] ||
            { echo "error: no run in ./log; set CHECKPOINT_PATH" >&2; exit 2; }
    fi
    if [ -d "$CHECKPOINT_PATH" ]; then
        evaluate "$CHECKPOINT_PATH"
    else
        evaluate "$CHECKPOINT_PATH" "$(dirname "$CHECKPOINT_PATH")"
    fi
}
