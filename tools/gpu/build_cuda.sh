#!/usr/bin/env bash
# Builds kennel with the feature `cuda` where GitHub cannot be reached: `tools/gpu/build_cuda.sh [FOLDER]`.
#
# Burn's CUDA backend compiles its kernels with LLVM, which `tracel-llvm-bundler` downloads from GitHub while it
# builds. The same release lies on PyPI as static libraries; this script puts them where the bundler looks first.
# The binary needs only NVIDIA's driver to run. FOLDER (default: target/cuda) takes about 6 GB.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mkdir -p "${1:-target/cuda}" && cd "${1:-target/cuda}" && pwd)
bundler=23.1.0-4 # tracel-llvm-bundler in Cargo.lock
llvm=23.1.1.post0
grep -A1 'name = "tracel-llvm-bundler"' Cargo.lock | grep -q "\"$bundler\"" || {
  echo "Cargo.lock has another tracel-llvm-bundler than $bundler: choose its LLVM here" >&2
  exit 1
}

python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder" \
  "mlc-llvm-static==$llvm" "mlc-llvm-static-extra-targets==$llvm"
(
  cd "$folder"
  sha256sum --check --quiet <<SUMS
dcfec888abfaa418be77d41af585805f31463584cf9c90582992c00f392c1ac5  mlc_llvm_static-$llvm-py3-none-manylinux_2_28_x86_64.whl
c36e834d9a4e9cf9759f27fece65711ece7a2fc2b5a96dbb15d66f5e9e787929  mlc_llvm_static_extra_targets-$llvm-py3-none-manylinux_2_28_x86_64.whl
SUMS
  for wheel in mlc_llvm_static*.whl; do unzip -q -o "$wheel" -d llvm; done
)
static=$folder/llvm/mlc_llvm_static/static
chmod +x "$static/bin/llvm-config"
touch "$static/.tracel-llvm-installed"
mkdir -p "$folder/data/tracel"
ln -sfn "$static" "$folder/data/tracel/tracel-llvm-$bundler"

XDG_DATA_HOME=$folder/data MLC_LLVM_STATIC_PROFILE=all CUDARC_CUDA_VERSION=13000 \
  cargo build --release --locked -p kennel-cli --features cuda --target-dir "$folder/target"
ls -l "$folder/target/release/kennel"
