"""Waits until the Ray cluster has argv[1] nodes."""

import sys
import time

import ray

ray.init(logging_level="error", log_to_driver=False)
while len(ray.nodes()) < int(sys.argv[1]):
    time.sleep(0.2)
