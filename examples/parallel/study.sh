#!/usr/bin/env bash
# Trains a study in 8 shares by GNU parallel, then compares the runs: study.sh [OPTION OF PARALLEL...]
set -euo pipefail

# Kennel uses all cores: one job at a time on each machine.
parallel --jobs 1 --workdir "$PWD" --tag --line-buffer "$@" \
  kennel run --config study.toml --strategies freeze,full --seeds 42,43,44,45 --shard {}/8 ::: {0..7}

kennel report --runs runs --out results
