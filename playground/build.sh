#!/bin/sh
# Builds the playground with Node from a wheel: no Node, and no npm, need be on the machine.
#   build.sh FOLDER          into FOLDER
#   build.sh --check FOLDER  somewhere else, and fail when the bytes are not those in FOLDER
set -eu
cd "$(dirname "$0")"

say() { printf 'playground: %s\n' "$*" >&2; }

node=$(../tools/node.sh)
PATH=$node:$PATH
export PATH

case ${1:?say where to: build.sh FOLDER} in
--check)
  rm -rf .built
  node build.mjs .built
  if diff -rq .built "$2"; then
    say "the built files are those that the sources give"
  else
    say "the built files differ from the sources: run  make playground  and commit the result"
    exit 1
  fi
  ;;
*)
  node build.mjs "$1"
  say "built into $1 ($(du -sh "$1" | cut -f1)); commit it with the sources"
  ;;
esac
