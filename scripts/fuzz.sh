#!/usr/bin/env bash
# Runs every fuzz target of build/fuzz for a while: fuzz.sh SECONDS. New inputs stay in build/fuzz/corpus/TARGET; the
# made inputs of fuzz/corpus/TARGET are read too. A finding stops with the input's path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/house.sh
source scripts/house.sh

seconds="$1"
found=0
for target in build/fuzz/fuzz/*; do
  [[ -f $target && -x $target ]] || continue
  found=1
  name="$(basename "$target")"
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/findings
  corpora=("build/fuzz/corpus/$name")
  [[ -d fuzz/corpus/${name%_fuzz} ]] && corpora+=("fuzz/corpus/${name%_fuzz}")
  say "$name, $seconds s"
  "$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$name-" "${corpora[@]}" || fail "$name failed; the input is in build/fuzz/findings"
done
((found)) || fail "fuzz: no targets in build/fuzz/fuzz"
