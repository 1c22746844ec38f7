#!/bin/sh
# All that `make test` needs: see docker.sh and tools.sh.
set -eu
here=$(dirname "$0")
"$here/docker.sh"
"$here/tools.sh"
