r"""Serve a model bundle over HTTP, with TensorFlow Serving's REST addresses.

    python serve.py model --port 8501

    curl -d '{"instances": [{"image_bytes": {"b64": "..."}}]}' \
        http://127.0.0.1:8501/v1/models/model:predict

http://127.0.0.1:8501/ is a page to drop a crop on.  The server listens on this machine only,
unless --host says otherwise; it has no passwords, so put it behind something that has.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.core import limits
from database_tools.core.errors import UserError


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("serve.py", __doc__)
    add = parser.add_argument
    add("bundle", type=Path, help="model bundle: its folder (newest version) or one version of it")
    add("--host", default="127.0.0.1", help="address to listen on, 0.0.0.0 for all (%(default)s)")
    add("--port", type=int, default=8501, help="0 takes any free one (%(default)s)")
    add("--model-name", help="name in the addresses (default: the bundle's folder)")
    add("--batch-size", type=int, default=8, help="most pictures computed together (%(default)s)")
    add("--in-flight", type=int, default=2, help="most batches at a time (%(default)s)")
    add("--queue", type=int, default=1024, help="most pictures that may wait (%(default)s)")
    add("--timeout", type=float, default=30, help="seconds a request may take (%(default)s)")
    add("--max-request-mb", type=float, default=32, help="largest request, MiB (%(default)s)")
    return parser


def _check(args: argparse.Namespace) -> None:
    numbers = "--batch-size", "--in-flight", "--queue", "--timeout", "--max-request-mb"
    limits.check(args, "above 0", *numbers)
    if not 0 <= args.port <= 65535:
        raise UserError(f"--port must be in [0, 65535], got {args.port}")
    if args.model_name is not None and (not args.model_name or set(args.model_name) & set("/:")):
        raise UserError(f"--model-name may have no / and no :, got {args.model_name!r}")


def _run(args: argparse.Namespace) -> None:
    _check(args)
    from tf_classification.models import bundle

    read = bundle.read(args.bundle)
    try:
        from tf_classification.serving import running
    except ModuleNotFoundError as error:
        raise UserError(f"{error}; pip install 'tf-classification[serve]'") from None
    most = int(args.max_request_mb * 2**20)
    limits = running.Limits(most, args.timeout, args.batch_size, args.in_flight, args.queue)
    name = args.model_name or read.base.name
    running.serve(read, name, limits, host=args.host, port=args.port)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
