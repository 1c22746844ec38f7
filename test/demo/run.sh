#!/usr/bin/env bash
# The main job, to watch: two containers, started by the same command, run one
# Ray job over both and end with its exit code.
set -euo pipefail
image=${1:?usage: run.sh IMAGE}
here=$(cd "$(dirname "$0")" && pwd)
token=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
net=syminit-demo-$$
hosts=(host-a host-b)
ids=()

cleanup() {
  [ ${#ids[@]} -eq 0 ] || docker rm -f -v "${ids[@]}" >/dev/null
  docker network rm "$net" >/dev/null
}

if [ -t 1 ]; then bold=$'\e[1m' off=$'\e[0m' tint=($'\e[36m' $'\e[33m'); else bold='' off='' tint=('' ''); fi

echo "${bold}The same command on each of two hosts:${off}"
cat <<TEXT

  docker run -e SYMINIT_HEAD=host-a -e SYMINIT_NODES=2 -e SYMINIT_TOKEN \\
    $image python3 /job.py

TEXT
docker network create "$net" >/dev/null
trap cleanup EXIT
begin=$(date +%s.%N)
for h in "${hosts[@]}"; do
  ids+=("$(SYMINIT_TOKEN=$token docker run -d --network "$net" --network-alias "$h" --hostname "$h" --shm-size 512m \
    -v "$here/job.py:/job.py:ro" -e SYMINIT_HEAD=host-a -e SYMINIT_NODES=2 -e SYMINIT_TOKEN \
    "$image" python3 /job.py)")
done
followers=()
for i in 0 1; do
  docker logs -f "${ids[i]}" 2>&1 | sed -u "s/^/${tint[i]}${hosts[i]} |${off} /" &
  followers+=($!)
done
codes=()
for i in 0 1; do codes+=("$(docker wait "${ids[i]}")"); done
wait "${followers[@]}"
echo
for i in 0 1; do echo "${bold}${hosts[i]} ended with exit code ${codes[i]}${off}"; done
echo "from docker run to the end of both: $(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN{printf "%.1f s", b-a}')"
[ "${codes[0]}" = 0 ] && [ "${codes[1]}" = 0 ]
