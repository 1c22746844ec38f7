#!/usr/bin/env bash
# Builds the image that a real vLLM runs from on CPUs: syminit-test-base:vllm, the
# test image with Ray, and on top of it vLLM from PyPI and a tiny model at /model.
# 6.3 GB: PyPI has PyTorch with CUDA only. One that is there already, made by the
# same recipe, is kept.
#
#   test/vllm/image/build.sh RAY-VERSION
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=syminit-test-base:ray-$1
image=syminit-test-base:vllm
# shellcheck source-path=SCRIPTDIR source=../../image/layer.sh
. "$here/../../image/layer.sh"

below=$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$base")
files=$(cd "$here" && find . -type f ! -name '*.pyc' ! -name build.sh | LC_ALL=C sort | xargs sha256sum)
vllm_recipe=$(recipe "$here/vllm.sh" "$files" "$below")
if fresh "$image" "$vllm_recipe"; then
  say "$image is there"
else
  say "$image: vLLM from PyPI, about two minutes"
  add "$base" "$here/vllm.sh" "$image" "$vllm_recipe"
fi
