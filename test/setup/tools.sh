#!/usr/bin/env bash
# Puts the linters, at the versions the checks were written for, into .tools/bin
# of this checkout. What is there at its version is kept.
#
#   test/setup/tools.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$root/.tools/bin
log=$root/.cache/tools.log
tools=(
  mvdan.cc/gofumpt@v0.12.0
  honnef.co/go/tools/cmd/staticcheck@v0.8.2
  golang.org/x/tools/cmd/deadcode@v0.52.0
  github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
)

# These run here, whatever is being built.
unset GOOS GOARCH GOFLAGS
go=$(go env GOVERSION)

for tool in "${tools[@]}"; do
  path=${tool%@*} version=${tool#*@}
  # A linter built by an older Go refuses newer code, so Go's version counts too.
  built=$(go version -m "$bin/${path##*/}" 2>/dev/null | tr '\t' ' ') || built=
  if [[ $built == *": $go"* && $built == *" mod "*" $version "* ]]; then
    continue
  fi
  printf 'setup: %s\n' "$tool" >&2
  mkdir -p "$root/.cache"
  GOBIN=$bin go install "$tool" >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
done
