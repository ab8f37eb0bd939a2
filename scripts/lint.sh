#!/usr/bin/env bash
# Formatting and static checks; called by ./run lint, which installs the tools. Every check runs, then the verdict.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/house.sh
source scripts/house.sh

failed=()
check() {
  local name="$1"
  shift
  say "$name"
  "$@" || failed+=("$name")
}

mapfile -t sources < <(git ls-files '*.cc' '*.h')
mapfile -t shells < <(git ls-files run .ci/run '*.sh')

check clang-format clang-format-14 --dry-run -Werror "${sources[@]}"
check shellcheck shellcheck -x "${shells[@]}"
check ruff .venv/bin/ruff check --quiet --config scripts/ruff.toml --exclude build .
configure_preset release
check clang-tidy python3 scripts/tidy.py --build build/release

if ((${#failed[@]})); then
  fail "lint: ${failed[*]} found something (see above)"
fi
say "lint: clean"
