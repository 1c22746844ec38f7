#!/bin/sh
# Compose as this machine has it: the plugin (v2) or docker-compose (1.29).
if docker compose version >/dev/null 2>&1; then
  exec docker compose "$@"
fi
exec docker-compose "$@"
