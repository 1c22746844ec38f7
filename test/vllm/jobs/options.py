"""Prints a program's version, and how many words each of its options takes."""

import contextlib
import sys

with contextlib.redirect_stdout(sys.stderr):
    if sys.argv[1] == "torchrun":
        from torch import __version__
        from torch.distributed.run import get_args_parser

        parser = get_args_parser()
    else:
        from vllm import __version__
        from vllm.entrypoints.launchers.cli_args import make_arg_parser
        from vllm.utils.argparse_utils import FlexibleArgumentParser

        parser = make_arg_parser(FlexibleArgumentParser())

print(sys.argv[1], __version__.partition("+")[0])
for action in parser._actions:
    if action.option_strings:
        print("1" if action.nargs is None else action.nargs, *action.option_strings)
