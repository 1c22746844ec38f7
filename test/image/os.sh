#!/bin/sh
# Runs inside a bare Debian container: adds what every test image has.
# procps and iproute2 are for tests that look inside a running node.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends python3 python3-venv procps iproute2

apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/debconf/*-old \
  /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /usr/share/info/*
