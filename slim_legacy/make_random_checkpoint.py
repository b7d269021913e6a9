r"""Make a random checkpoint: a stand-in for the public inception_v4.ckpt, to try the scripts with.

    python make_random_checkpoint.py /path/to/inception_v4.ckpt

Its names and shapes are the public one's (1001 classes), its numbers are random: what is
trained from it has learnt nothing before.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from slim_legacy.nets import nets_factory


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("make_random_checkpoint.py", __doc__)
    add = parser.add_argument
    add("checkpoint", type=Path, help="file to write (V1), or prefix of two files (V2)")
    add("--checkpoint_version", type=int, choices=(1, 2), default=1, help="format (%(default)s)")
    add("--model_name", default="inception_v4", help="network (%(default)s)")
    add("--num_classes", type=int, default=1001, help="outputs of its heads (%(default)s)")
    add("--seed", type=int, default=0, help="seed of the numbers (%(default)s)")
    return parser


def _run(args: argparse.Namespace) -> None:
    nets_factory.get(args.model_name)

    import keras  # slow imports wait until the flags are good

    from slim_legacy.training import checkpoints

    keras.utils.set_random_seed(args.seed)
    network = nets_factory.build(args.model_name, args.num_classes)
    values = {name: variable.value for name, variable in nets_factory.variables(network).items()}
    write = checkpoints.write_v1 if args.checkpoint_version == 1 else checkpoints.write_v2
    write(args.checkpoint, values)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
