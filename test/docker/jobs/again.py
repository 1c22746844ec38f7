"""Join the Ray cluster and say how many nodes are alive and dead, each time that
changes; run a task on each new one once the first has died."""
import os
import signal
import time

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

ray.init(logging_level="warning")
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray turns TERM into exit code 15


@ray.remote(num_cpus=0)
def where():
    return os.uname().nodename


known = {n["NodeID"] for n in ray.nodes()}
last = None
while True:
    nodes = ray.nodes()
    alive = {n["NodeID"] for n in nodes if n["Alive"]}
    dead = len(nodes) - len(alive)
    if (len(alive), dead) != last:
        last = len(alive), dead
        print(f"JOB alive={last[0]} dead={last[1]}", flush=True)
    for node in alive - known if dead else ():
        known.add(node)
        host = ray.get(where.options(scheduling_strategy=On(node, soft=False)).remote())
        print(f"JOB task host={host}", flush=True)
    time.sleep(0.2)
