"""``python -m tf_classification COMMAND ...`` is ``tf-classification COMMAND ...``."""

from database_tools.cli.commands import main

raise SystemExit(main())
