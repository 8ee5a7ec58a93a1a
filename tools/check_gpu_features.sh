#!/usr/bin/env bash
# Whether every GPU feature still type-checks: `tools/check_gpu_features.sh [FEATURE...]`, by default those that build
# without a vendor's toolkit or a network. `cuda` of Burn 0.22.1 downloads an LLVM bundle while it builds, `rocm` needs
# AMD's toolkit, `metal` a Mac: name them where those are at hand.
set -euo pipefail
cd "$(dirname "$0")/.."
for feature in "${@:-vulkan webgpu}"; do
  for one in $feature; do
    echo "== $one"
    cargo check --workspace --locked --features "kennel/$one" --target-dir "target/gpu-$one"
  done
done
