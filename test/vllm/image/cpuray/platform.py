from vllm.platforms.cpu import CpuPlatform


class CpuRayPlatform(CpuPlatform):
    # Nodes claim one with: ray start --num-gpus=1
    ray_device_key = "GPU"

    @classmethod
    def get_device_communicator_cls(cls):
        return "cpuray.communicator.GlooCommunicator"
