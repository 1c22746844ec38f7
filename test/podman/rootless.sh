#!/usr/bin/env bash
# Runs a command as a user of its own that has podman without root, from root:
# the user, and the user ids that it may use, are known in a mount namespace
# only, so nothing under /etc is touched. There /mnt is DIR, which holds all that
# podman keeps; /srv is this checkout's bin, /media the tests' jobs, and /opt the
# example for docker.
#
#   rootless.sh DIR CONTAINERS_CONF COMMAND…
set -euo pipefail

if [ "${1:?usage: rootless.sh DIR CONTAINERS_CONF COMMAND ...}" != --inside ]; then
  exec unshare --mount "$0" --inside "$@"
fi
dir=$(realpath -m "${2:?}") conf=${3:?} root=$(realpath "$(dirname "$0")/../..")
shift 3
uid=4242 first=200000

mkdir -p "$dir"/{etc,home,run}
chown "$uid:$uid" "$dir"/{home,run}
chmod 700 "$dir/run"
{ cat /etc/passwd; echo "tester:x:$uid:$uid::/mnt/home:/bin/sh"; } >"$dir/etc/passwd"
{ cat /etc/group; echo "tester:x:$uid:"; } >"$dir/etc/group"
echo "tester:$first:65536" >"$dir/etc/subuid"
cp "$dir/etc/subuid" "$dir/etc/subgid"
cp "$conf" "$dir/containers.conf"
printf '[storage]\ndriver = "overlay"\ngraphroot = "/mnt/home/storage"\nrunroot = "/mnt/run/containers"\n' >"$dir/storage.conf"
for file in passwd group subuid subgid; do mount --bind "$dir/etc/$file" "/etc/$file"; done
mount --bind "$root/bin" /srv
mount --bind "$root/test/docker/jobs" /media
mount --bind "$root/examples/docker" /opt
mount --bind "$dir" /mnt
mount --make-rshared / # of this namespace; podman warns else

cd /mnt/home
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups env -i HOME=/mnt/home USER=tester PATH="$PATH" \
  XDG_RUNTIME_DIR=/mnt/run CONTAINERS_CONF=/mnt/containers.conf CONTAINERS_STORAGE_CONF=/mnt/storage.conf "$@"
