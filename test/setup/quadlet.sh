#!/usr/bin/env bash
# Puts podman's quadlet, which makes systemd services of files like
# examples/podman/syminit.container, into .tools/bin of this checkout. Debian 12's
# podman is older than it. What is there at its version is kept.
#
#   test/setup/quadlet.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$root/.tools/bin
version=v5.6.0

[ "$("$bin/quadlet" -version 2>/dev/null)" != "${version#v}" ] || exit 0
unset GOOS GOARCH GOFLAGS
printf 'setup: quadlet %s\n' "$version" >&2
mkdir -p "$bin"
module=$(go mod download -json "github.com/containers/podman/v5@$version") || { printf '%s\n' "$module" >&2; exit 1; }
# In the module's own folder, with the versions that it names.
cd "$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$module")"
CGO_ENABLED=0 go build -mod=readonly -tags 'exclude_graphdriver_btrfs containers_image_openpgp remote' -o "$bin/quadlet" ./cmd/quadlet
