#!/usr/bin/env bash
# Gives podman a storage of its own in DIR, with Docker's IMAGE in it. What is
# there already is kept. Then, with CONTAINERS_CONF=DIR/containers.conf and
# CONTAINERS_STORAGE_CONF=DIR/storage.conf, podman works as root even where it may
# not raise limits (a container without CAP_SYS_RESOURCE) and where crun refuses
# cgroups v1 and v2 side by side.
#
#   podman.sh DIR IMAGE
set -euo pipefail
dir=$(realpath -m "${1:?usage: podman.sh DIR IMAGE}") image=${2:?}
mkdir -p "$dir"

files=$(ulimit -Hn) processes=$(ulimit -Hu) most=$(cat /proc/sys/kernel/pid_max)
[ "$files" != unlimited ] || files=1048576
[ "$processes" != unlimited ] && [ "$processes" -le "$most" ] || processes=$most
cat >"$dir/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
cat >"$dir/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$dir/storage"
runroot = "$dir/run"
CONF
export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf

id=$(docker image inspect -f '{{.Id}}' "$image")
if [ "$(cat "$dir/loaded" 2>/dev/null)" != "$id" ] || ! podman image exists "$image"; then
  docker save "$image" | podman load -q >/dev/null
  printf '%s\n' "$id" >"$dir/loaded"
fi
