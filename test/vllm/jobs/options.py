"""Prints vLLM's version, and how many words each option of `vllm serve` takes."""

import contextlib
import sys

with contextlib.redirect_stdout(sys.stderr):
    import vllm
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = make_arg_parser(FlexibleArgumentParser())

print("vLLM", vllm.__version__)
for action in parser._actions:
    if action.option_strings:
        print("1" if action.nargs is None else action.nargs, *action.option_strings)
