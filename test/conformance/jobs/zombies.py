# Says "none" when there are no zombies any more. It starts no process, so no
# CHLD tells the init of any.
import os
import time


def zombie(name):
    try:
        with open("/proc/" + name + "/stat", "rb") as f:
            stat = f.read()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2:].startswith(b"Z")


while any(zombie(name) for name in os.listdir("/proc") if name.isdigit()):
    time.sleep(0.01)
print("none", flush=True)
