r"""Put a checkpoint's numbers into a graph: one .pb file that needs nothing else.

    python freeze_graph.py --input_graph=inception_v4_inf_graph_def.pbtxt \
        --input_checkpoint=log/all --output_graph=serengeti.pb \
        --input_node_names=input --output_node_names=output

The flags are those of TensorFlow's own freeze_graph, which does the work.
"""

from __future__ import annotations

from database_tools import cli
from database_tools.core.errors import UserError
from slim_legacy.inference.options import FreezeOptions
from slim_legacy.training import flags


def _run(options: FreezeOptions) -> None:
    for name in ("output_graph", "output_node_names"):
        if not getattr(options, name):
            raise UserError(f"--{name} is needed")
    if not (options.input_graph or options.input_meta_graph or options.input_saved_model_dir):
        raise UserError(
            "one of --input_graph, --input_meta_graph, --input_saved_model_dir is needed"
        )

    from slim_legacy.inference import frozen  # slow imports wait until the flags are good

    frozen.freeze(options)


main = cli.of_request("freeze_graph.py", __doc__, FreezeOptions, _run, flags.declare)

if __name__ == "__main__":
    raise SystemExit(main())
