#!/usr/bin/env bash
# Labels the photos of photos.txt in 100 parts by GNU parallel: predict.sh RUN [OPTION OF PARALLEL...]
set -euo pipefail
run=${1:?usage: predict.sh RUN [OPTION OF PARALLEL...]}

mkdir -p labels
# A photo that cannot be read is a row with its error, and ends its part with status 1.
status=0
parallel --jobs 1 --workdir "$PWD" "${@:2}" \
  kennel predict --list photos.txt --run "$run" --shard {}/100 --format jsonl --out labels/part-{}.jsonl ::: {0..99} \
  || status=$?

# Fails if a part is missing.
cat labels/part-{0..99}.jsonl > labels.jsonl
exit "$status"
