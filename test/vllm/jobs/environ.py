"""Prints, for every process but syminit's and this one, what it is called and
some of its variables: a JSON object a line."""

import json
import os
import sys


def words(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace").split("\0")


for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        environ = dict(word.partition("=")[::2] for word in words(f"/proc/{pid}/environ"))
        # In this order: a dead process that nobody has waited for has neither.
        name = " ".join(words(f"/proc/{pid}/cmdline"))[:60].replace("\n", " ")
    except (FileNotFoundError, ProcessLookupError):
        continue
    if name and "syminit" not in name and int(pid) != os.getpid():
        print(json.dumps({"name": name, "env": {k: environ.get(k) for k in sys.argv[1:]}}))
