#!/usr/bin/env bash
# A detective story is read once, four questions are asked, and one of them again from the kept reading.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

story=examples/the_clock_at_corvane.txt
questions=(
  "Who is the murderer of Ambrose Thackeray?"
  "What was the weapon?"
  "Where was Ambrose Thackeray killed?"
  "Why did Edgar Marchbanks kill Ambrose Thackeray?"
)

ask() {
  printf '\n$ tome ask %s "%s"\n' "$story" "$1"
  local started="${EPOCHREALTIME/./}"
  build/release/tome ask "$story" "$1"
  local milliseconds=$(((${EPOCHREALTIME/./} - started) / 1000))
  printf '  (%d.%01d s)\n' $((milliseconds / 1000)) $((milliseconds % 1000 / 100))
}

for question in "${questions[@]}"; do ask "$question"; done
printf '\nOnce more: the reading was kept, so nothing is read again.\n'
ask "${questions[0]}"
