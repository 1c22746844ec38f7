"""The demo's job: which nodes are there, and one task on each of them."""
import os

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

ray.init(logging_level="warning")


@ray.remote(num_cpus=0)
def hello():
    return f"hello from {os.uname().nodename}, {ray.util.get_node_ip_address()}"


nodes = [n for n in ray.nodes() if n["Alive"]]
print(f"Ray {ray.__version__} sees {len(nodes)} nodes", flush=True)
for n in nodes:
    print(ray.get(hello.options(scheduling_strategy=On(n["NodeID"], soft=False)).remote()), flush=True)
