#!/usr/bin/env bash
# Gives podman without root Docker's IMAGE; what is there already is kept.
#
#   load.sh IMAGE rootless.sh DIR CONTAINERS_CONF
set -euo pipefail
image=${1:?usage: load.sh IMAGE rootless.sh DIR CONTAINERS_CONF} rootless=("${@:2}")
loaded=$3/loaded

id=$(docker image inspect -f '{{.Id}}' "$image")
[ "$(cat "$loaded" 2>/dev/null)" != "$id" ] || ! "${rootless[@]}" podman image exists "localhost/$image" || exit 0
docker save "$image" | "${rootless[@]}" podman load -q
printf '%s\n' "$id" >"$loaded"
