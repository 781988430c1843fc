#!/bin/sh
# Runs lint.mjs with the Node and the packages that it is written for.
set -eu
cd "$(dirname "$0")"
node=$(../node.sh)
exec "$node/node" lint.mjs
