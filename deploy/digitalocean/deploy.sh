#!/usr/bin/env bash
# usage: APP_ID=... OWNER=... URL=https://... deploy.sh SPEC.yaml TAG
# Deploys TAG, waits until URL answers healthy, and puts the previous spec back if it does not.
# A schema change is not undone (see "Rolling back" in deploy/RUNBOOK.md). PYTHON needs PyYAML.
set -euo pipefail
spec=${1:?expected the app spec} tag=${2:?expected the image tag}
: "${APP_ID:?expected the id of the app: doctl apps list}" "${OWNER:?expected the owner of the images}"
: "${URL:?expected the public address of the API, without a path}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

healthy() {
  for _ in $(seq "${HEALTH_TRIES:-30}"); do
    if curl --fail --silent --show-error --max-time 10 "$URL/healthz" > "$work/health"; then return 0; fi
    sleep "${HEALTH_PAUSE_S:-10}"
  done
  return 1
}

doctl apps spec get "$APP_ID" > "$work/live.yaml"
"${PYTHON:-python3}" "$here/render.py" "$spec" --tag "$tag" --owner "$OWNER" --live "$work/live.yaml" > "$work/next.yaml"
echo "deploying $tag"
if doctl apps update "$APP_ID" --spec "$work/next.yaml" --wait && healthy; then
  echo "$tag is healthy"
  exit 0
fi
echo "$tag is not healthy: putting the previous version back" >&2
doctl apps update "$APP_ID" --spec "$work/live.yaml" --wait
healthy || echo "the previous version is not healthy either: deploy/RUNBOOK.md, ServiceDown" >&2
exit 1
