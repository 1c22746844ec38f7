#!/usr/bin/env bash
# Builds the images that tests run nodes from, Debian 12 with a real Ray:
# syminit-test-base:ray-VERSION, for each VERSION given. An image that is there
# already, made by the same recipe, is kept.
#
#   test/image/build.sh [VERSION…]        default: 2.60.0
#
# As root nothing is pulled from a container registry: Debian comes by
# debootstrap, Ray from PyPI. Without root, debian:bookworm-slim is pulled.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache
repository=syminit-test-base
suite=bookworm
label=syminit.recipe
path=/opt/ray/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { printf 'image: %s\n' "$*" >&2; }

# Everything temporary goes when the script does, however it ends.
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

# debian: prints the name of an image that holds a bare Debian.
debian() {
  if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    docker pull -q "debian:$suite-slim"
    return
  fi
  # The mount namespace takes with it whatever debootstrap mounts, so removing
  # the tree can never reach the machine's own /proc.
  logged unshare --mount debootstrap --variant=minbase "$suite" "$work/debian" &&
    tar -C "$work/debian" -c --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
      --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' . |
    docker import -
}

# add FROM SCRIPT TO RECIPE [WORD…]: TO is FROM after SCRIPT WORD… ran in it.
#
# Not `docker build`: what this machine needs to reach the registries (proxy,
# mirror, certificates) is lent to one container and must not stay in the image.
# So files are mounted under a tmpfs, and variables given to the one command
# (those given to the container would be committed).
add() {
  local name env=(-e PIP_CONSTRAINT=/tmp/recipe/constraints.txt) mount=(--tmpfs /tmp:exec -v "$here:/tmp/recipe:ro")
  for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY PIP_{INDEX_URL,EXTRA_INDEX_URL,TRUSTED_HOST,DEFAULT_TIMEOUT}; do
    [ -z "${!name-}" ] || env+=(-e "$name")
  done
  local bundle=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
  if [ -f "$bundle" ]; then
    mount+=(-v "$bundle:/tmp/ca.pem:ro")
    env+=(-e PIP_CERT=/tmp/ca.pem)
  fi

  container=$(docker run -d --network host "${mount[@]}" "$1" sleep infinity)
  logged docker exec "${env[@]}" "$container" sh "/tmp/recipe/$2" "${@:5}"
  docker commit -c "LABEL $label=$4" -c "ENV PATH=$path" -c 'CMD ["bash"]' "$container" "$3" >/dev/null
  docker rm -f "$container" >/dev/null
  container=
}

[ $# -gt 0 ] || set -- 2.60.0

os=$repository:os
os_recipe=$(recipe "$here/os.sh" "$suite")
if ! fresh "$os" "$os_recipe"; then
  say "$os: Debian with Python, about a minute"
  bare=$(debian)
  add "$bare" os.sh "$os" "$os_recipe"
fi

for version; do
  image=$repository:ray-$version
  ray_recipe=$(recipe "$here/ray.sh" "$(<"$here/constraints.txt")" "$os_recipe" "$version")
  if fresh "$image" "$ray_recipe"; then
    say "$image is there"
  else
    say "$image: Ray $version from PyPI, about half a minute"
    add "$os" ray.sh "$image" "$ray_recipe" "$version"
  fi
done
