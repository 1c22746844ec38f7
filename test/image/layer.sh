#!/usr/bin/env bash
# Sourced by the scripts that build test images: an image is another one after a
# script ran in it, and is made anew only when what it is made from has changed.
#
# Sets work, a folder that goes when the script ends, however it ends.

cache=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.cache
label=syminit.recipe
path=/opt/ray/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { printf 'image: %s\n' "$*" >&2; }

mkdir -p "$cache"
log=$cache/image.log
work=$(mktemp -d "$cache/image.XXXXXX")
container=
cleanup() {
  [ -z "$container" ] || docker rm -f "$container" >/dev/null
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# logged COMMAND…: its output is shown only when it fails.
logged() {
  "$@" >"$log" 2>&1 && return
  tail -n 30 "$log" >&2
  say "failed: $*"
  say "all of its output: $log"
  return 1
}

# recipe FILE WORD…: what an image is made from, as one short word.
recipe() { { cat "$1" && printf '%s\n' "${@:2}"; } | sha256sum | cut -c1-16; }

# fresh IMAGE RECIPE: is IMAGE there, made by RECIPE?
fresh() { [ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null)" = "$2" ]; }

# add FROM SCRIPT TO RECIPE [WORD…]: TO is FROM after SCRIPT WORD… ran in it, with
# the folder that SCRIPT is in beside it.
#
# Not `docker build`: what this machine needs to reach the registries (proxy,
# mirror, certificates) is lent to one container and must not stay in the image.
# So files are mounted under a tmpfs, and variables given to the one command
# (those given to the container would be committed).
add() {
  local name folder env=() mount
  folder=$(dirname "$2")
  mount=(--tmpfs /tmp:exec -v "$folder:/tmp/recipe:ro")
  [ ! -f "$folder/constraints.txt" ] || env+=(-e PIP_CONSTRAINT=/tmp/recipe/constraints.txt)
  for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY PIP_{INDEX_URL,EXTRA_INDEX_URL,TRUSTED_HOST,DEFAULT_TIMEOUT}; do
    [ -z "${!name-}" ] || env+=(-e "$name")
  done
  local bundle=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
  if [ -f "$bundle" ]; then
    mount+=(-v "$bundle:/tmp/ca.pem:ro")
    env+=(-e PIP_CERT=/tmp/ca.pem)
  fi

  container=$(docker run -d --network host "${mount[@]}" "$1" sleep infinity)
  logged docker exec "${env[@]}" "$container" sh "/tmp/recipe/${2##*/}" "${@:5}"
  docker commit -c "LABEL $label=$4" -c "ENV PATH=$path" -c 'CMD ["bash"]' "$container" "$3" >/dev/null
  docker rm -f "$container" >/dev/null
  container=
}
