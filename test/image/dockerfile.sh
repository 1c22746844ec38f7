#!/usr/bin/env bash
# Builds both targets of the Dockerfile and runs what they hold, without pulling:
# this machine's own Go and modules stand in for the golang image, a test image
# for vLLM's.
#
#   test/image/dockerfile.sh [BASE]       default: syminit-test-base:ray-2.60.0
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
base=${1:-syminit-test-base:ray-2.60.0}
name=syminit-dockerfile-test

mkdir -p "$root/.cache"
work=$(mktemp -d "$root/.cache/dockerfile.XXXXXX")
container=
cleanup() {
  [ -z "$container" ] || docker rm -f "$container" >/dev/null
  docker image rm -f "$name:go" "$name:binary" "$name:vllm" "$name:own" "$name:serves" >/dev/null 2>&1 || true
  docker image prune -f --filter "label=$name" >/dev/null # the build stage
  rm -rf "$work"
}
trap cleanup EXIT

expect() { # what, wanted, got
  [ "$2" = "$3" ] || { printf 'dockerfile: %s is %s, not %s\n' "$1" "$3" "$2" >&2; exit 1; }
}

cd "$root"
GOMODCACHE=$work/mod GOFLAGS=-modcacherw GOPROXY=file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY) go mod download
container=$(docker create "$base")
docker cp -q "$(go env GOROOT)/." "$container:/usr/local/go"
docker cp -q "$work/mod/cache/download" "$container:/modules"
docker commit -c "LABEL $name=" -c 'ENV PATH=/usr/local/go/bin:/usr/bin:/bin GOPROXY=file:///modules GOTOOLCHAIN=local' "$container" "$name:go" >/dev/null

args=(--build-arg "GO_IMAGE=$name:go" --build-arg "BASE=$base" --build-arg VERSION=v1.2.3-test)
for target in binary vllm; do
  docker build "${args[@]}" --target "$target" -t "$name:$target" . >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }
done

version=$(docker run --rm "$name:binary" version)
expect "the version" yes "$(grep -qF v1.2.3-test <<<"$version" && echo yes || echo "$version")"
expect "the entrypoint" '["/usr/local/bin/syminit","--","vllm","serve"]' \
  "$(docker image inspect -f '{{json .Config.Entrypoint}}' "$name:vllm")"
# The user's one-line change, and a run: exit code 3 comes through.
printf 'FROM %s\nCOPY --from=%s /syminit /usr/local/bin/\n' "$base" "$name:binary" |
  docker build -q -t "$name:own" - >/dev/null 2>&1
code=0
docker run --rm --entrypoint syminit "$name:own" -- sh -c 'exit 3' || code=$?
expect "the exit code" 3 "$code"

# The user's arguments reach vLLM as without syminit, also where they begin with
# what the ENTRYPOINT has.
printf 'FROM %s\nRUN printf "#!/bin/sh\\necho vllm \\$*" >/usr/local/bin/vllm && chmod +x /usr/local/bin/vllm\n' "$name:vllm" |
  docker build -q -t "$name:serves" - >/dev/null 2>&1
expect "vLLM's command" "vllm serve MODEL --max-model-len 8" "$(docker run --rm "$name:serves" MODEL --max-model-len 8)"
code=0
help=$(docker run --rm "$name:serves" --help) || code=$?
expect "its help" "vllm serve --help" "$help"
expect "the exit code of its help" 0 "$code"
expect "a doubled one" "vllm serve MODEL" "$(docker run --rm "$name:serves" vllm serve MODEL 2>"$work/log" || true)"
expect "the notice of it" yes "$(grep -qF 'twice, and is run with one' "$work/log" && echo yes || cat "$work/log")"
