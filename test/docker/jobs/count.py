"""Join the Ray cluster and say how many nodes are alive, each time that changes."""
import signal
import time

import ray

ray.init(logging_level="warning")
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray turns TERM into exit code 15
last = 0
while True:
    nodes = len({n["NodeManagerAddress"] for n in ray.nodes() if n["Alive"]})
    if nodes != last:
        print(f"JOB nodes={nodes}", flush=True)
        last = nodes
    time.sleep(0.2)
