#!/usr/bin/env bash
# Makes sure of what the tests need beside Go: a C compiler for the race detector, a
# Docker engine that answers and Compose; as root also shellcheck for make lint, what
# makes images without a registry and networks of their own, Slurm and podman, and
# other inits to compare with.
#
#   test/setup/docker.sh
#
# An engine that answers is used as it is. What is missing is installed by apt:
# on a terminal only after asking (SYMINIT_YES=1: without), elsewhere at once.
# Without root it prints the command to run and fails.
set -euo pipefail

cache=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.cache
log=$cache/dockerd.log

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null; }
root() { [ "$(id -u)" = 0 ]; }
answers() { timeout 20 docker info >/dev/null 2>&1; }

# missing: the Debian packages that this machine lacks, one a line.
missing() {
  have gcc || printf '%s\n' gcc libc6-dev
  # Without root the engine may be another machine's, or be closed to this user.
  answers || { have docker && { have dockerd || ! root; }; } || echo docker.io
  docker compose version >/dev/null 2>&1 || have docker-compose || echo docker-compose
  # Without root the image's first step is pulled, and tests that need root skip.
  root || return 0
  have debootstrap || echo debootstrap
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
  have iptables || echo iptables
  have ip || echo iproute2
  have shellcheck || echo shellcheck
  # For test/slurm and test/podman. The packages start nothing where policy-rc.d forbids it.
  have slurmctld || echo slurmctld
  have slurmd || echo slurmd
  have srun || echo slurm-client
  have munged || echo munge
  have podman || echo podman
  have runc || echo runc
  have newuidmap || echo uidmap # podman without root
  # What syminit is compared with as an init.
  for other in tini dumb-init catatonit; do have "$other" || echo "$other"; done
}

install() {
  local command="apt-get install -y --no-install-recommends $*"
  have apt-get || fail "missing: $* (Debian's names; this machine has no apt-get: install them its own way)"
  root || fail "missing: $*. Run this and try again:  sudo apt-get update && sudo $command"
  if [ -t 0 ] && [ -z "${CI-}" ] && [ "${SYMINIT_YES-}" != 1 ]; then
    local reply
    read -r -p "setup: run '$command'? [y/N] " reply || echo >&2
    [[ $reply == [yY]* ]] || fail "nothing installed"
  else
    say "$command"
  fi
  mkdir -p "$cache"
  {
    apt-get -o DPkg::Lock::Timeout=300 update -q
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "$@"
  } >"$cache/apt.log" 2>&1 || { tail -n 30 "$cache/apt.log" >&2; fail "apt-get failed; all of its output: $cache/apt.log"; }
}

# Where /run outlives a boot, a pid file in it may by now name any process, and
# dockerd would take that for its own.
drop_stale_pid() { # file, program
  [ -f "$1" ] || return 0
  [ "$(cat "/proc/$(cat "$1")/comm" 2>/dev/null)" = "$2" ] || rm -f "$1"
}

start_engine() {
  root || fail "no Docker engine answers: $(docker version --format '{{.Server.Version}}' 2>&1 | tail -n 1)
setup: start it (sudo systemctl start docker), or join its group (sudo usermod -aG docker \$USER, then log in anew)"
  if [ -d /run/systemd/system ]; then
    systemctl start docker
    answers || fail "no Docker engine answers; see:  journalctl -u docker"
    return
  fi
  drop_stale_pid /run/docker.pid dockerd
  drop_stale_pid /run/docker/containerd/containerd.pid containerd
  mkdir -p "$cache"
  setsid dockerd >"$log" 2>&1 </dev/null &
  local pid=$! deadline=$((SECONDS + 60))
  until answers; do
    if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 20 "$log" >&2
      fail "dockerd does not answer; all of its output: $log"
    fi
    sleep 0.2
  done
  say "started dockerd; it stays. To stop it:  kill $pid    its output: $log"
}

mapfile -t packages < <(missing)
[ "${#packages[@]}" = 0 ] || install "${packages[@]}"
answers || start_engine
