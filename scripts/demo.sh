#!/usr/bin/env bash
# The main job, end to end, on generated pictures: about five minutes on two cores, less the second time.
# Results go to demo_output, or to $DEMO_OUTPUT. For a quick look: DEMO_IMAGES=120 DEMO_EPOCHS=3 bash scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
ensure_environment "[serve]"
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
out="${DEMO_OUTPUT:-demo_output}"
images="${DEMO_IMAGES:-600}"
epochs="${DEMO_EPOCHS:-70}"
mkdir -p "$out"
# TensorFlow says on every start which processor it runs on; nothing can switch that off.
exec 2> >(grep --line-buffered -vE 'absl::InitializeLog|^[IWE]0000 ' >&2)
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
free_port() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# docs/training.md, "Train a classifier": the recipe for a few hundred small crops.
recipe=(--model-name demo-cnn --augmentation light --patience 30 --batch-size 16 --optimizer adamw --lr 0.003
    --lr-schedule cosine --ema 0.98 --label-smoothing 0.1 --label-weighted --seed 1)
newest() { { find "$out/$1" -mindepth 1 -maxdepth 1 -type d 2>/dev/null || true; } | sort | tail -n 1; }
train() { # train NAME ...: once; a run that was killed goes on
    local name="$1" run
    shift
    run="$(newest "$name")"
    if [ -n "$run" ] && [ -e "$run/evaluation.json" ]; then
        echo "trained already: $run"
    elif [ -n "$run" ] && [ -e "$run/params.json" ]; then
        python tf_classification/train_classifier.py --resume "$run"
    else
        python tf_classification/train_classifier.py "$@" --logdir "$out/$name"
    fi
}
figures() { # figures NAME: what a run reached on locations that its training never saw
    python - "$(newest "$1")/overall_metrics.csv" <<'PYTHON'
import csv, sys

for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    if row["split"] == "test":
        top1, balanced = float(row["acc_top1"]), float(row["acc_weighted_top1"])
        print(f"accuracy on new locations: {top1:.1f} %, with every species counting the same: {balanced:.1f} %")
PYTHON
}

step "1. Draw $images camera-trap pictures with labels, and write a detector that knows them"
python database_tools/make_demo_dataset.py "$out/pictures" --images "$images" --locations 18 --classification_dataset \
    --detector "$out/demo_detector.pb"

step "2. Detect the animals, crop them, write COCO-style and TFRecord datasets split by location"
python database_tools/make_classification_dataset.py \
    "$out/pictures/image_level.json" "$out/pictures/images" "$out/demo_detector.pb" \
    --coco_style_output "$out/coco" --tfrecords_output "$out/tfrecords" \
    --location_key location --exclude_categories empty
python database_tools/cropped_camera_trap_dataset_statistics.py \
    "$out/pictures/image_level.json" "$out/coco/train.json" "$out/coco/test.json" \
    --classlist_output "$out/classlist.txt" >"$out/stats.txt"

step "3. Train a classifier on a folder of crops, on one device, and evaluate it"
train from_crops "$out/pictures" "$out/pictures/crops" "${recipe[@]}" --epochs "$epochs"
figures from_crops

step "4. Train on the TFRecords of step 2, on two devices made of one CPU"
train from_records --tfrecords "$out/tfrecords" "${recipe[@]}" --epochs "$epochs" --strategy mirrored --logical-cpus 2
figures from_records

short=$((epochs < 10 ? epochs : 10))
step "5. The same as two processes that talk over the network ($short epochs only)"
if [ -z "$(find "$out/two_processes" -name evaluation.json 2>/dev/null)" ]; then
    rm -rf "$out/two_processes"
    workers="[\"127.0.0.1:$(free_port)\", \"127.0.0.1:$(free_port)\"]"
    pids=()
    for index in 0 1; do
        TF_CONFIG="{\"cluster\": {\"worker\": $workers}, \"task\": {\"type\": \"worker\", \"index\": $index}}" \
            python tf_classification/train_classifier.py --tfrecords "$out/tfrecords" "${recipe[@]}" \
            --epochs "$short" --logdir "$out/two_processes" &
        pids+=($!)
    done
    trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
    for pid in "${pids[@]}"; do wait "$pid"; done
    trap - EXIT
fi
figures two_processes

step "6. Serve the model of step 3 and ask it about one crop"
port="$(free_port)"
crop="$(find "$out/pictures/crops" -name '*.jpg' | sort | sed -n 1p)"
python tf_classification/serve.py "$(newest from_crops)/bundle" --port "$port" >"$out/serve.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
python - "$port" "$crop" <<'PYTHON'
import base64, json, sys, time, urllib.request
from pathlib import Path

address, picture = f"http://127.0.0.1:{sys.argv[1]}/v1/models/bundle", Path(sys.argv[2])
for _ in range(300):
    try:
        urllib.request.urlopen(address, timeout=5)
        break
    except OSError:  # refused, or accepted and not answered yet
        time.sleep(0.2)
body = json.dumps({"instances": [{"b64": base64.b64encode(picture.read_bytes()).decode()}]})
answer = urllib.request.urlopen(f"{address}:predict", body.encode(), timeout=60)
row = json.load(answer)["predictions"][0]
best = ", ".join(f"{name} {p:.3f}" for name, p in zip(row["top_classes"], row["top_probabilities"]))
print(f"{picture}\n  {best}")
PYTHON
kill "$server" && wait "$server" || true
trap - EXIT

step "Where things are"
cat <<TEXT
pictures, labels and exact boxes   $out/pictures
detector                           $out/demo_detector.pb
crops by species, and a preview    $out/coco            (open $out/coco/preview.html)
TFRecords                          $out/tfrecords
statistics                         $out/stats.txt
model, report                      $(newest from_crops)     (open $(newest from_crops)/report.html)
TensorBoard                        tensorboard --logdir $out
TEXT
