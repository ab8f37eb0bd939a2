# shellcheck shell=bash
# What the verbs of ./run share. Sourced, from the root of the checkout.

say() { printf '\n== %s\n' "$*" >&2; }

# One line on stderr: what, where, what to do. Exit code 2: something outside tome must change.
fail() {
  printf 'run: %s\n' "$*" >&2
  exit 2
}

# packages_of GROUP...: the names that scripts/apt-packages.txt lists for the groups.
packages_of() {
  local group package wanted
  while read -r group package; do
    for wanted in "$@"; do
      [[ $group == "$wanted" ]] && printf '%s\n' "$package"
    done
  done <scripts/apt-packages.txt
  return 0
}

# missing_packages GROUP...: those of them that are not installed.
missing_packages() {
  local package
  for package in $(packages_of "$@"); do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || printf '%s\n' "$package"
  done
}

install_packages() {
  [[ ${TOME_SKIP_APT:-} == 1 ]] && return
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "no apt-get here: ./run knows Debian 12. Install the counterparts of these packages, then set TOME_SKIP_APT=1:" \
      "$(packages_of "$@" | paste -sd ' ')"
  fi
  local missing=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  local as_root=()
  if (($(id -u) != 0)); then
    command -v sudo >/dev/null ||
      fail "neither root nor sudo: have an administrator run 'apt-get install ${missing[*]}', then start this again"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >&2 || fail "apt-get update failed (its reason is above); check the network and sources"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 ||
    fail "apt-get could not install: ${missing[*]} (its reason is above)"
}

# Python tools go to .venv, pinned with hashes; nothing happens while the requirements are those of last time.
install_lint_tools() {
  local stamp=.venv/requirements.installed
  cmp -s scripts/requirements-lint.txt "$stamp" && return
  say "installing the lint tools into .venv"
  python3 -m venv --clear .venv || fail "python3 could not make .venv (Debian: apt-get install python3-venv)"
  .venv/bin/pip --disable-pip-version-check install --quiet --require-hashes -r scripts/requirements-lint.txt ||
    fail "pip could not install scripts/requirements-lint.txt (its reason is above); check the network"
  cp scripts/requirements-lint.txt "$stamp"
}

fetch_models() {
  say "models: $*"
  python3 scripts/fetch_model.py "$@"
  [[ " $* " != *" gemma "* ]] || install_answers
}

# The adapter that `tome ask` takes by itself goes beside its model. A folder of that name in which anything is not as it was
# installed is the user's own, and stays.
install_answers() {
  local data="${XDG_DATA_HOME:-}"
  [[ $data == /* ]] || data="$HOME/.local/share"
  local from=models/answers to="$data/tome/models/gemma.answers" mark=installed-by-run
  if [[ -e $to || -L $to ]]; then
    (cd "$to" 2>/dev/null && sha256sum --check --status "$mark" 2>/dev/null) || return 0
    diff -rq --exclude="$mark" "$from" "$to" >/dev/null && return
  fi
  say "the adapter for questions: $to"
  rm -rf "$to.new"
  mkdir -p "$to.new"
  cp "$from"/* "$to.new"
  (cd "$to.new" && sha256sum -- * >"../$mark.new" && mv "../$mark.new" "$mark")
  rm -rf "$to"
  mv "$to.new" "$to"
}

configure_preset() {
  mkdir -p build
  cmake --preset "$1" >"build/$1.log" 2>&1 || {
    cat "build/$1.log" >&2
    fail "cmake could not configure the preset '$1' (its reason is above)"
  }
}

# build_preset PRESET [arguments of cmake --build]
build_preset() {
  local preset="$1"
  shift
  say "building ($preset)"
  configure_preset "$preset"
  cmake --build --preset "$preset" --parallel "$(nproc)" "$@" >&2 || fail "the build of '$preset' failed (see above)"
}

# test_preset PRESET: runs ctest and lists the tests that were skipped, which ctest alone hides.
test_preset() {
  local folder="build/$1" result=0
  say "testing ($1)"
  ctest --test-dir "$folder" --output-on-failure --parallel "$(nproc)" || result=$?
  local log="$folder/Testing/Temporary/LastTest.log"
  if [[ -f $log ]] && grep -q '^\[  SKIPPED \].* ms)' "$log"; then
    say "skipped ($1): tests that need data or time (TOME_DATA, --all)"
    grep '^\[  SKIPPED \].* ms)' "$log" | sort -u
  fi
  return "$result"
}
