#!/usr/bin/env bash
# The tables of docs/results/: both models and both adapters over generated tasks, excerpts and detective novels, beside
# retrieval and beside no document. Every run goes on where it was stopped; hours on two cores.
#   scripts/reproduce.sh [short]    short: up to 8K tokens only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tome=${TOME_PROGRAM:-build/release/tome}
runs=${TOME_RESULTS:-build/results}
upto=${1:-all}
mkdir -p "$runs"

# The user's copies of texts that this project may not carry; without them, what can be generated.
books=${TOME_DATA:+$TOME_DATA/books}
conversations=${TOME_DATA:+$TOME_DATA/anima/topic_conversations_158.json}
[[ -d $books ]] || printf 'no books (TOME_DATA): needles are hidden in generated text, novel asks about our own story\n' >&2
[[ -f $conversations ]] || printf 'no conversations (TOME_DATA): topics is left out\n' >&2

# evaluate NAME skip|cut FLAGS...: one run folder; the word says what becomes of samples that do not fit the window.
evaluate() {
  local name=$1 too_long=$2
  shift 2
  printf '\n== %s\n' "$name" >&2
  "$tome" eval --out "$runs/$name" --too-long "$too_long" "$@" >"$runs/$name.txt"
}
eval_run() { evaluate "$1" skip "${@:2}"; } # counted as skipped
eval_cut() { evaluate "$1" cut "${@:2}"; }  # cut in the middle, counted

# Samples of one length are those of every answerer. What a model reads natively is measured natively, what is longer by RoPE
# scaling: gemma reads 32K, smollm2 8K, the adapter 64K.
lines() {
  eval_run lines-gemma -m gemma --tasks lines --samples 20 --retrieve bm25 --no-document --lengths 4k,8k
  eval_run lines-adapter -m gemma --adapter models/line-retrieval --samples-from "$runs/lines-gemma"
  eval_run lines-smollm2 -m smollm2 --tasks lines --samples 20 --retrieve bm25 --no-document --lengths 4k,8k
}
lines_long() {
  # One list a length: a reading of 64K tokens by smollm2 takes minutes.
  local one=(--tasks lines --seed 7 --set lines.questions=25 --samples 25 --retrieve bm25 --no-document)
  eval_run lines-gemma-long -m gemma "${one[@]}" --lengths 16k,32k
  eval_run lines-adapter-long -m gemma --adapter models/line-retrieval --samples-from "$runs/lines-gemma-long"
  eval_run lines-gemma-64k -m gemma --context 64k "${one[@]}" --lengths 64k
  eval_run lines-adapter-64k -m gemma --adapter models/line-retrieval --samples-from "$runs/lines-gemma-64k"
  eval_run lines-smollm2-long -m smollm2 --context 64k "${one[@]}" --lengths 16k,32k,64k
}
topics() {
  [[ -f $conversations ]] || return 0
  eval_run topics-gemma -m gemma --tasks topics --samples 10 --retrieve bm25 --no-document --lengths 4k,8k
  eval_run topics-adapter -m gemma --adapter models/line-retrieval --samples-from "$runs/topics-gemma"
  eval_run topics-smollm2 -m smollm2 --tasks topics --samples 10 --retrieve bm25 --no-document --lengths 4k,8k
}
topics_long() {
  [[ -f $conversations ]] || return 0
  # Five questions a text, at every depth: a reading of 64K tokens by smollm2 takes minutes.
  local few=(--tasks topics --set topics.ask=spread --set topics.questions=5 --samples 10 --retrieve bm25 --no-document)
  eval_run topics-gemma-long -m gemma "${few[@]}" --lengths 16k,32k
  eval_run topics-adapter-long -m gemma --adapter models/line-retrieval --samples-from "$runs/topics-gemma-long"
  eval_run topics-gemma-64k -m gemma --context 64k "${few[@]}" --lengths 64k
  eval_run topics-adapter-64k -m gemma --adapter models/line-retrieval --samples-from "$runs/topics-gemma-64k"
  eval_run topics-smollm2-long -m smollm2 --context 64k "${few[@]}" --lengths 16k,32k,64k
}
needle() {
  eval_run needle-gemma -m gemma --tasks needle --samples 10 --retrieve bm25 --no-document --lengths 4k,8k
  eval_run needle-adapter -m gemma --adapter models/line-retrieval --samples-from "$runs/needle-gemma"
  eval_run needle-smollm2 -m smollm2 --tasks needle --samples 10 --retrieve bm25 --no-document --lengths 4k,8k
}
needle_long() {
  eval_run needle-gemma-long -m gemma --tasks needle --samples 10 --retrieve bm25 --no-document --lengths 16k,32k
  eval_run needle-adapter-long -m gemma --adapter models/line-retrieval --samples-from "$runs/needle-gemma-long"
  eval_run needle-gemma-64k -m gemma --context 64k --tasks needle --samples 10 --retrieve bm25 --no-document --lengths 64k
  eval_run needle-adapter-64k -m gemma --adapter models/line-retrieval --samples-from "$runs/needle-gemma-64k"
}
ruler() {
  local parts=ruler.parts=niah-single-1,niah-multikey-1,vt,fwe
  eval_run ruler-gemma -m gemma --tasks ruler --set "$parts" --samples 5 --retrieve bm25 --no-document --lengths 4k,8k
  eval_run ruler-adapter -m gemma --adapter models/line-retrieval --samples-from "$runs/ruler-gemma"
  eval_run ruler-answers -m gemma --adapter models/answers --samples-from "$runs/ruler-gemma"
  eval_run ruler-smollm2 -m smollm2 --tasks ruler --set "$parts" --samples 5 --retrieve bm25 --no-document --lengths 4k,8k
}

# Questions about excerpts, with and without the adapter for questions.
excerpts() {
  local kind
  [[ -d $books ]] || return 0
  for kind in short long; do
    grep "\"kind\": \"$kind\"" eval_sets/novels.jsonl >"$runs/$kind.jsonl"
    eval_run "excerpts-gemma-$kind" -m gemma --tasks novel --data novel="$runs/$kind.jsonl"
    eval_run "excerpts-answers-$kind" -m gemma --adapter models/answers --samples-from "$runs/excerpts-gemma-$kind"
  done
}

lines
needle
topics
excerpts
eval_cut novel-gemma -m gemma --tasks novel
eval_cut novel-answers -m gemma --adapter models/answers --samples-from "$runs/novel-gemma"
ruler
if [[ $upto != short ]]; then
  lines_long
  needle_long
  eval_cut novel-smollm2 -m smollm2 --tasks novel
  topics_long
fi

for group in lines topics needle ruler excerpts novel; do
  folders=("$runs/$group"-*/)
  [[ -d ${folders[0]} ]] || continue
  "$tome" eval compare "${folders[@]}" --out "$runs/$group" >"$runs/$group.txt"
done
