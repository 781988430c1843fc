#!/usr/bin/env bash
# Write the lock files, or with --check fail when they are not what asks for them.
# Needs uv; without one on the PATH it goes into build/uv. Versions that are locked stay unless
# they are named: tools/lock.sh --upgrade-package NAME (or --upgrade for all).
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || true)
if [ -z "$uv" ] || ! "$uv" --version >/dev/null 2>&1; then
    uv=build/uv/bin/uv
    if [ ! -x "$uv" ]; then
        echo "Installing uv into build/uv"
        "${PYTHON:-python3}" -m venv build/uv
        build/uv/bin/pip install --quiet --disable-pip-version-check uv
    fi
fi

options=(--universal --generate-hashes --no-header --python-version 3.11 --quiet)
compile() { # the run lock, the test lock, more options
    local run=$1 test=$2
    shift 2
    "$uv" pip compile "${options[@]}" --extra dev pyproject.toml -o "$run" "$@"
    "$uv" pip compile "${options[@]}" --extra dev --extra test -c "$run" pyproject.toml -o "$test" "$@"
    "$uv" pip compile "${options[@]}" tools/deploy-check/requirements.in \
        -o tools/deploy-check/requirements.lock "$@"
}

if [ "${1:-}" != --check ]; then
    compile requirements.lock tests/requirements.lock "$@"
    exit
fi

here=$PWD
copy=$(mktemp -d)
trap 'rm -r "$copy"' EXIT
cp --parents pyproject.toml requirements.lock tests/requirements.lock tools/deploy-check/requirements.* "$copy"
case $uv in /*) ;; *) uv=$here/$uv ;; esac
cd "$copy"
compile requirements.lock tests/requirements.lock
if ! cmp requirements.lock "$here/requirements.lock" ||
    ! cmp tests/requirements.lock "$here/tests/requirements.lock" ||
    ! cmp {,"$here/"}tools/deploy-check/requirements.lock; then
    echo "The lock files are not what asks for them: run \`make lock\` and commit them" >&2
    exit 1
fi
echo "The lock files agree with what asks for them"
