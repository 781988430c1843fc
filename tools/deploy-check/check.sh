#!/bin/sh
# Holds what is deployed, and what the reconciler makes, against the schemas of Kubernetes.
set -eu
cd "$(dirname "$0")/../.."
minor=$(kubectl version --client -o yaml 2>/dev/null | sed -n 's/^ *minor: "*\([0-9]*\).*/\1/p')
if [ "${minor:-0}" -lt 27 ]; then
    echo "Skipped: it takes kubectl 1.27 or newer to render, and here is ${minor:+1.}${minor:-none}"
    exit
fi
lock=tools/deploy-check/requirements.lock
made=build/deploy-check
if ! cmp -s "$lock" "$made/requirements.lock"; then
    echo "Installing what $lock lists"
    rm -rf "$made"
    "${PYTHON:-python3}" -m venv "$made"
    "$made/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
    cp "$lock" "$made/requirements.lock"
fi
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for file in deploy/kubernetes/*/kustomization.yaml; do
    name=$(basename "$(dirname "$file")")
    grep -q '^kind: Component' "$file" || kubectl kustomize "deploy/kubernetes/$name" >"$folder/$name.yaml"
done
.venv/bin/python -m tools.made_objects >"$folder/reconciler.yaml"
"$made/bin/python" tools/deploy-check/check.py "$folder"/*.yaml
