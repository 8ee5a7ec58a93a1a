#!/usr/bin/env bash
# What a GPU computes and how fast, in one call: `tools/gpu/check.sh KENNEL OUT [STEP...]`.
#
# Steps, all by default: machine, parity, speed, peer, learn. MODELS and BATCHES choose what is compared and timed,
# DEVICE (cuda) on what. Each command is stopped after LIMIT seconds and says so; nothing ends the script. Results lie
# in OUT as JSON and logs. `peer` needs Python with PyTorch and timm. Rehearse it with DEVICE=cpu.
set -uo pipefail
kennel=$(realpath "$1")
out=$(mkdir -p "$2" && realpath "$2")
shift 2
steps=${*:-machine parity speed peer learn}
device=${DEVICE:-cuda}
models=${MODELS:-mobilenetv2_100 resnet50 vit_tiny_patch16_224 convnext_atto}
batches=${BATCHES:-16 64}
limit=${LIMIT:-60}
demo=${DEMO:-kennel-demo}
cd "$(dirname "$0")/../.."

# Runs a command with its name, and says how long it took and how it ended.
say() {
  local name=$1 began ended
  shift
  began=$(date +%s%3N)
  timeout "$limit" "$@" >"$out/$name.out" 2>"$out/$name.err"
  ended=$?
  printf '%-44s rc %-3s %6.1f s  %s\n' "$name" "$ended" "$(($(date +%s%3N) - began))e-3" \
    "$(grep -ho '"images_per_s": [0-9.]*' "$out/$name.out" | head -1)" | tee -a "$out/summary.txt"
  [ "$ended" = 0 ] || tail -c 600 "$out/$name.err" | tee -a "$out/summary.txt"
}

machine() {
  [ "$device" = cpu ] || say nvidia-smi nvidia-smi
  say doctor "$kennel" doctor
}

# A training step beside the CPU's: twice, so that what the second saves by tuning is seen.
parity() {
  for model in $models; do
    for again in 1 2; do
      say "parity-$model-$again" "$kennel" bench --parity --mode full --model "$model" --device "$device" --batch-size 16 --format json
    done
  done
}

speed() {
  for model in $models; do
    for batch in $batches; do
      for mode in infer full; do
        say "kennel-$model-$mode-$batch" "$kennel" bench --mode $mode --model "$model" --device "$device" --batch-size "$batch" --format json
      done
    done
  done
}

peer() {
  for model in $models; do
    for batch in $batches; do
      for mode in infer full; do
        for precision in tf32 bf16; do
          say "torch-$model-$mode-$batch-$precision" python3 tools/peers/step.py --mode $mode --model "$model" --device "$device" --precision $precision --batch-size "$batch"
        done
      done
    done
  done
}

# The same training on the device and on the CPU: losses of two epochs side by side. DEMO is a folder of `kennel demo`.
learn() {
  for where in "$device" cpu; do
    say "learn-$where" "$kennel" train --data "$demo/data" --weights "$demo/weights/test_resnet" --model test_resnet \
      --strategy full --lr 1e-3 --epochs 2 --device "$where" --runs "$out/runs-$where"
    cut -c1-200 "$out/runs-$where"/*/metrics.jsonl | tee "$out/learn-$where.txt"
  done
}

for step in $steps; do "$step"; done
