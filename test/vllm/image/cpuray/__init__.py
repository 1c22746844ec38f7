"""For tests only: lets vLLM's Ray executor run on CPUs.

vLLM's CPU platform names no Ray resource ("current platform cpu does not
support ray"), and its ranks would meet in /dev/shm, which two hosts don't share.
"""


def platform():
    return "cpuray.platform.CpuRayPlatform"
