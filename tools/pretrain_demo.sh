#!/usr/bin/env bash
# Makes the two networks that `kennel demo` brings along: trained from random weights on 16,000 drawn photos of forty invented
# breeds, none of which is one of the demonstration's five.
#
#     cargo build --release --workspace --examples
#     tools/pretrain_demo.sh [WORK]        # about 40 minutes on two cores
#
# Writes crates/demo/weights/<model>/{model.safetensors,config.json}.
set -euo pipefail
cd "$(dirname "$0")/.."
work=${1:-$(mktemp -d)}
kennel=$PWD/target/release/kennel

target/release/examples/draw pretraining "$work/photos" 400 1
"$kennel" prepare "$work/photos" --out "$work/data" --link
for model in test_resnet test_efficientnet; do
  "$kennel" train --data "$work/data" --runs "$work/runs" --model $model --weights none --strategy full --side 128 \
    --epochs 12 --batch-size 64 --learning-rate 4e-3 --optimizer adamw --weight-decay 0.05 \
    --scheduler cosine --warmup-epochs 1 --min-learning-rate 1e-5 --label-smoothing 0.1
  rm -rf "crates/demo/weights/$model"
  "$kennel" export --run "$(compgen -G "$work/runs/*-$model-full-s42")" --timm "crates/demo/weights/$model"
  # Of nobody's photos: the project's own licence, in one word of the hub's list.
  sed -i 's/"license": "none: trained from random weights"/"license": "apache-2.0"/' "crates/demo/weights/$model/config.json"
done
