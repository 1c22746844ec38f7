#!/bin/sh
# Runs inside the OS image: Ray $1, as pip gives it, in a virtual
# environment. The compiled .pyc files stay: a node with a read-only root would
# otherwise compile all of Ray anew at every start.
set -eu

python3 -m venv /opt/ray
/opt/ray/bin/pip install -q --no-cache-dir "ray==$1"
