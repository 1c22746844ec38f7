#!/bin/bash
# One container on this host, as one node of a run. The same line on every host:
#
#   export SYMINIT_TOKEN=...    # the same on all: openssl rand -hex 32, once
#   IMAGE=my-vllm HEAD=host-a NODES=2 ./run.sh MODEL --pipeline-parallel-size 2 ...
#
# HEAD is the name or address of one of the hosts, as the others reach it. Start
# them in any order, up to ten minutes apart; each ends with the job's exit code.
#
# DOCKER=podman starts it by podman. DOCKER_ARGS: more options, split at blanks; for
# GPUs DOCKER_ARGS='--gpus all'.
set -eu
: "${SYMINIT_TOKEN:?the secret that the hosts share; make one with: openssl rand -hex 32}"
export SYMINIT_TOKEN SYMINIT_HEAD="${HEAD:?the name or address of one of the hosts}" SYMINIT_NODES="${NODES:?how many hosts}"

# No --init: syminit is the init. --network host: Ray uses many ports, and NCCL
# the host's fast network. Docker's own /dev/shm has 64 MB, too few for Ray.
# shellcheck disable=SC2086
exec "${DOCKER:-docker}" run --rm --network "${NETWORK:-host}" --shm-size "${SHM_SIZE:-16g}" --stop-timeout 15 \
  --env SYMINIT_HEAD --env SYMINIT_NODES --env SYMINIT_TOKEN ${DOCKER_ARGS-} "${IMAGE:?the image to run}" "$@"
