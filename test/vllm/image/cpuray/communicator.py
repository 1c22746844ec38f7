from vllm.distributed.device_communicators.cpu_communicator import CpuCommunicator


class GlooCommunicator(CpuCommunicator):
    def _all_group_ranks_share_shm_group_name(self):
        return False
