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
containers=()
cleanup() {
  [ ${#containers[@]} = 0 ] || docker rm -f "${containers[@]}" >/dev/null
  docker image rm -f "$name:go" "$name:binary" "$name:vllm" "$name:own" >/dev/null 2>&1 || true
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
containers+=("$container")
docker cp -q "$(go env GOROOT)/." "$container:/usr/local/go"
docker cp -q "$work/mod/cache/download" "$container:/modules"
docker commit -c "LABEL $name=" -c 'ENV PATH=/usr/local/go/bin:/usr/bin:/bin GOPROXY=file:///modules GOTOOLCHAIN=local' "$container" "$name:go" >/dev/null

args=(--build-arg "GO_IMAGE=$name:go" --build-arg "BASE=$base" --build-arg VERSION=v1.2.3-test)
for target in binary vllm; do
  docker build "${args[@]}" --target "$target" -t "$name:$target" . >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }
done

version=$(docker run --rm "$name:binary" version)
expect "the version" "" "$(grep -qF v1.2.3-test <<<"$version" || echo "not in: $version")"
expect "the entrypoint" '["/usr/local/bin/syminit","--","vllm","serve"]' \
  "$(docker image inspect -f '{{json .Config.Entrypoint}}' "$name:vllm")"
# The user's one-line change, and a run: exit code 3 comes through.
printf 'FROM %s\nCOPY --from=%s /syminit /usr/local/bin/\n' "$base" "$name:binary" |
  docker build -q -t "$name:own" - >/dev/null 2>&1
code=0
docker run --rm --entrypoint syminit "$name:own" -- sh -c 'exit 3' || code=$?
expect "the exit code" 3 "$code"

# The user's arguments reach vLLM as without syminit, also where they begin with
# what the ENTRYPOINT has. This one prints them, and only UP serves: http.server
# answers 200 where there is a file.
cat >"$work/vllm" <<'SH'
#!/bin/sh
echo "vllm $*"
[ "$2" = UP ] || exit 0
cd "$(mktemp -d)" && : >health && exec python3 -m http.server 8000
SH
chmod 755 "$work/vllm"
vllm=(-v "$work/vllm:/usr/local/bin/vllm:ro")
expect "vLLM's command" "vllm serve MODEL --max-model-len 8" "$(docker run --rm "${vllm[@]}" "$name:vllm" MODEL --max-model-len 8)"
code=0
help=$(docker run --rm "${vllm[@]}" "$name:vllm" --help) || code=$?
expect "its help" "vllm serve --help" "$help"
expect "the exit code of its help" 0 "$code"
expect "a doubled one" "vllm serve MODEL" "$(docker run --rm "${vllm[@]}" "$name:vllm" vllm serve MODEL 2>"$work/log" || true)"
expect "the notice of it" "" "$(grep -qF 'twice, and is run with one' "$work/log" || echo "not in: $(cat "$work/log")")"

# The HEALTHCHECK is the one that the documents have, and works as the image has it.
line=$(grep '^HEALTHCHECK' Dockerfile)
for page in README.md docs/health.md; do
  expect "the HEALTHCHECK in $page" "$line" "$(grep '^HEALTHCHECK' "$page")"
done
# In nanoseconds.
expect "the image's HEALTHCHECK" '{"Test":["CMD","/usr/local/bin/syminit","health"],"Interval":10000000000,"StartPeriod":900000000000}' \
  "$(docker image inspect -f '{{json .Config.Healthcheck}}' "$name:vllm")"
served=$(docker run -d --health-interval 200ms "${vllm[@]}" "$name:vllm" UP)
containers+=("$served")
healthy() { [ "$(docker inspect -f '{{.State.Status}} {{.State.Health.Status}}' "$served")" = "running healthy" ]; }
deadline=$((SECONDS + 120))
until healthy; do
  if [ "$SECONDS" -ge "$deadline" ]; then
    docker logs "$served" >&2
    expect "a container that serves" '"healthy"' "$(docker inspect -f '{{json .State.Health}}' "$served")"
  fi
  sleep 0.1
done
