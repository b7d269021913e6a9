r"""Export the graph of a network with its preprocessing, or a bundle for serving.

    python export_inference_graph.py --model_name=inception_v4 --dataset_name=serengeti \
        --output_file=inception_v4_inf_graph_def.pbtxt --write_text_graphdef=True

The graph takes one picture at "input" (values in [0, 1]) and gives probabilities at "output";
freeze_graph.py puts a checkpoint's numbers into it. A bundle has them already:

    python export_inference_graph.py --format=bundle --model_name=inception_v4 \
        --checkpoint_path=log/all --classlist=classlist.txt --output_file=bundle
"""

from __future__ import annotations

from pathlib import Path

from database_tools import cli
from database_tools.core.errors import UserError
from database_tools.formats import classlist, dataset_info
from slim_legacy.datasets import dataset_factory
from slim_legacy.inference.options import ExportOptions
from slim_legacy.nets import nets_factory
from slim_legacy.training import flags, request


def _run(options: ExportOptions) -> None:
    if not options.output_file:
        raise UserError("You must supply the path to save to with --output_file")
    request.check_network(options.model_name, options.preprocessing_name)
    if options.format == "bundle":
        _bundle(options)
        return
    classes = dataset_factory.num_classes(options.dataset_name, options.dataset_dir)

    from slim_legacy.inference import graphs  # slow imports wait until the flags are good

    outputs = classes - options.labels_offset
    network = nets_factory.build(options.model_name, outputs, options.image_size)
    graph = graphs.inference_graph(network)
    graphs.write(Path(options.output_file), graph, options.write_text_graphdef)


def _bundle(options: ExportOptions) -> None:
    for name in ("checkpoint_path", "classlist"):
        if not getattr(options, name):
            raise UserError(f"--format=bundle needs --{name}")
    labels = classlist.read(Path(options.classlist))
    told = options.dataset_dir and (Path(options.dataset_dir) / dataset_info.NAME).exists()
    recipe = dataset_info.read(Path(options.dataset_dir)).recipe if told else None

    from slim_legacy.inference import to_bundle

    network = to_bundle.restore(
        options.model_name,
        len(labels),
        options.image_size,
        options.checkpoint_path,
        options.use_moving_averages,
    )
    base = Path(options.output_file)
    print(to_bundle.write(base, network, options.model_name, labels, recipe))


main = cli.of_request("export_inference_graph.py", __doc__, ExportOptions, _run, flags.declare)

if __name__ == "__main__":
    raise SystemExit(main())
