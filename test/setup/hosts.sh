#!/usr/bin/env bash
# Hosts of their own on this one machine, as root: each is a network namespace
# TAG-1, TAG-2, … with the address NET.11, NET.12, … on a bridge. The bridge is in
# a namespace of its own, TAG-hub, with the address NET.1, so that the machine's
# own network and firewall stay as they are.
#
#   hosts.sh up TAG NET N     NET is the first three bytes: 10.231.78
#   hosts.sh down TAG
set -euo pipefail

verb=${1:?usage: hosts.sh up|down TAG ...} tag=${2:?}

up() { # net, number of hosts
  local i net=$1 hub=$tag-hub
  ip netns add "$hub"
  ip -n "$hub" link set lo up
  ip -n "$hub" link add br0 type bridge
  ip -n "$hub" addr add "$net.1/24" dev br0
  ip -n "$hub" link set br0 up
  for ((i = 1; i <= $2; i++)); do
    local ns=$tag-$i
    ip netns add "$ns"
    ip -n "$ns" link set lo up
    ip -n "$hub" link add "v$i" type veth peer name eth0 netns "$ns"
    ip -n "$hub" link set "v$i" master br0 up
    ip -n "$ns" addr add "$net.$((10 + i))/24" dev eth0
    ip -n "$ns" link set eth0 up
    ip -n "$ns" route add default via "$net.1"
  done
}

down() {
  local ns
  ip netns list | awk -v p="$tag-" 'index($1, p) == 1 {print $1}' | while read -r ns; do ip netns del "$ns"; done
}

case $verb in
  up) up "${3:?}" "${4:?}" ;;
  down) down ;;
  *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
