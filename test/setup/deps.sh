#!/bin/sh
# All that `make test` needs: see docker.sh, tools.sh and quadlet.sh.
set -eu
here=$(dirname "$0")
"$here/docker.sh"
"$here/tools.sh"
"$here/quadlet.sh"
