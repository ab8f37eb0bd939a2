#!/usr/bin/env bash
# Formatting and static checks; called by ./run lint [--all], which installs the tools. Every check runs, then the verdict.
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

mapfile -t sources < <(find src tests bench fuzz -name '*.cc' -o -name '*.h' | sort)
mapfile -t shells < <(printf '%s\n' run .ci/run && find scripts tests bench fuzz -name '*.sh' | sort)

check clang-format clang-format-14 --dry-run -Werror "${sources[@]}"
check shellcheck shellcheck -x "${shells[@]}"
check ruff .venv/bin/ruff check --quiet --config scripts/ruff.toml --exclude build .
configure_preset release
check clang-tidy python3 scripts/tidy.py --build build/release "$@"

if ((${#failed[@]})); then
  fail "lint: ${failed[*]} found something (see above)"
fi
say "lint: clean"
