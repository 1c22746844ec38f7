#!/usr/bin/env bash
# Checks bin/syminit as it is shipped: static, stripped, small, and the same
# bytes again from another folder; and that it builds for arm64.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=$((9 * 1000 * 1000))
fail() { echo "binary: $*" >&2; exit 1; }

python3 - bin/syminit <<'PY' || fail "bin/syminit is not static and stripped"
# Program header 3 is PT_INTERP, 2 is PT_DYNAMIC; section 2 is SHT_SYMTAB.
import struct, sys
b = open(sys.argv[1], 'rb').read()
phoff, shoff = struct.unpack_from('<QQ', b, 32)
phsize, phnum, shsize, shnum = struct.unpack_from('<HHHH', b, 54)
segments = [struct.unpack_from('<I', b, phoff + i * phsize)[0] for i in range(phnum)]
sections = [struct.unpack_from('<I', b, shoff + i * shsize + 4)[0] for i in range(shnum)]
sys.exit(1 if 3 in segments or 2 in segments or 2 in sections else 0)
PY
size=$(stat -c %s bin/syminit)
[ "$size" -le "$limit" ] || fail "bin/syminit has $size bytes, at most $limit"

elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
version=$(bin/syminit version | cut -d' ' -f2)
mkdir "$elsewhere/src"
tar -c --exclude=./bin --exclude=./.cache --exclude=./.tools --exclude=./.git . | tar -x -C "$elsewhere/src"
make -s -C "$elsewhere/src" build VERSION="$version"
cmp bin/syminit "$elsewhere/src/bin/syminit" || fail "not reproducible"
make -s -C "$elsewhere/src" build VERSION="$version" GOARCH=arm64
[ "$(stat -c %s "$elsewhere/src/bin/syminit")" -le "$limit" ] || fail "the arm64 binary is too large"
echo "binary: static, stripped, reproducible, $size bytes; arm64 builds"
