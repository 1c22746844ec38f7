"""Join the Ray cluster, say so, and stay until a signal comes."""
import signal

import ray

ray.init(logging_level="warning")
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray turns TERM into exit code 15
print(f"JOB up nodes={len(ray.nodes())}", flush=True)
signal.pause()
