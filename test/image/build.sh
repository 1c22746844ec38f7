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
repository=syminit-test-base
suite=bookworm
# shellcheck source-path=SCRIPTDIR source=layer.sh
. "$here/layer.sh"

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

[ $# -gt 0 ] || set -- 2.60.0

os=$repository:os
os_recipe=$(recipe "$here/os.sh" "$suite")
if ! fresh "$os" "$os_recipe"; then
  say "$os: Debian with Python, about a minute"
  bare=$(debian)
  add "$bare" "$here/os.sh" "$os" "$os_recipe"
fi

for version; do
  image=$repository:ray-$version
  ray_recipe=$(recipe "$here/ray.sh" "$(<"$here/constraints.txt")" "$os_recipe" "$version")
  if fresh "$image" "$ray_recipe"; then
    say "$image is there"
  else
    say "$image: Ray $version from PyPI, about half a minute"
    add "$os" "$here/ray.sh" "$image" "$ray_recipe" "$version"
  fi
done
