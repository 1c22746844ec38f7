#!/usr/bin/env bash
# A real Slurm on this one machine, as root: slurmctld, and a slurmd for each of
# N hosts. A host is a network and a UTS namespace with an address of its own on
# a bridge, and an /etc/hosts that knows the others; the bridge is in a namespace
# of its own too, so that the machine's own network and firewall stay as they are.
# Nothing under /etc is touched.
#
#   cluster.sh up DIR [N]     start; N is 3 by default. DIR holds everything
#   cluster.sh down DIR       end exactly the processes that up started
#   cluster.sh in DIR CMD…    run a command where the cluster's commands work
#
# Debian's Slurm 22.05. No cgroups, no accounting: nothing here needs more than
# root in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN.
set -euo pipefail

verb=${1:?usage: cluster.sh up|down|in DIR ...} dir=$(realpath -m "${2:?}")
shift 2
net=10.231.78
# Names of the machine's, so two clusters don't meet: from the folder's name.
tag=$(basename "$dir" | tr -cd 'a-z0-9' | tail -c 8)
hub=slurm-$tag-hub
hosts=$(dirname "$0")/../setup/hosts.sh
export SLURM_CONF=$dir/slurm.conf

config() { # number of hosts
  mkdir -p "$dir"/{state,log,run,munge,spool}
  chmod 755 "$dir" "$dir"/*
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=ctl($net.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/sock
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
PropagateResourceLimits=NONE
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=1
KillWait=30
SlurmdParameters=config_overrides
CONF
  # More CPUs than a job takes: the next need not wait for the last one's end.
  local i
  printf '127.0.0.1 localhost\n%s.1 ctl\n' "$net" >"$dir/hosts"
  for ((i = 1; i <= $1; i++)); do
    printf 'NodeName=node%d NodeAddr=%s.%d CPUs=4 RealMemory=500 State=UNKNOWN\n' "$i" "$net" $((10 + i)) >>"$SLURM_CONF"
    printf '%s.%d node%d\n' "$net" $((10 + i)) "$i" >>"$dir/hosts"
  done
  printf 'PartitionName=all Nodes=node[1-%d] Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES\n' "$1" >>"$SLURM_CONF"
}

# host NAMESPACE NAME CMD…: not `ip netns exec`, whose fresh /sys lacks the
# cgroups that podman needs.
host() {
  # shellcheck disable=SC2016
  nsenter --net="/run/netns/$1" unshare --uts --mount sh -c \
    'mount --bind "$0" /etc/hosts; hostname "$1"; shift; exec "$@"' "$dir/hosts" "${@:2}"
}

up() {
  local n=${1:-3} i
  config "$n"
  "$hosts" up "slurm-$tag" "$net" "$n"
  [ -s "$dir/munge/key" ] || head -c 128 /dev/urandom >"$dir/munge/key"
  chown -R munge: "$dir/munge"
  chmod 600 "$dir/munge/key"
  setpriv --reuid munge --regid munge --clear-groups munged --force -S "$dir/munge/sock" --key-file="$dir/munge/key" \
    --log-file="$dir/munge/log" --pid-file="$dir/munge/pid" --seed-file="$dir/munge/seed" --num-threads=2
  host "$hub" ctl slurmctld -c -i
  for ((i = 1; i <= n; i++)); do host "slurm-$tag-$i" "node$i" slurmd -N "node$i"; done
  for ((i = 0; i < 1200; i++)); do
    [ "$(inside sinfo -h -o %t -N 2>/dev/null | grep -c '^idle$')" -ge "$n" ] && return
    sleep 0.1
  done
  tail -n 20 "$dir"/log/* >&2
  echo "cluster.sh: the hosts are not idle after 2 minutes" >&2
  exit 1
}

inside() { nsenter --net="/run/netns/$hub" "$@"; }

down() {
  local file p pids=()
  for file in "$dir"/run/*.pid "$dir"/munge/pid; do
    p=$(cat "$file" 2>/dev/null) || continue
    if kill "$p" 2>/dev/null; then pids+=("$p"); fi
  done
  for p in "${pids[@]}"; do
    # A zombie, whom nobody may reap here, has no command line.
    for _ in {1..100}; do grep -q . "/proc/$p/cmdline" 2>/dev/null || break; sleep 0.1; done
  done
  "$hosts" down "slurm-$tag"
  rm -rf "$dir"/{state,run,spool,munge}
}

case $verb in
  up) up "$@" ;;
  in) inside "$@" ;;
  down) down ;;
  *) sed -n '2,15p' "$0" >&2; exit 2 ;;
esac
