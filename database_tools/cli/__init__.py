"""What every command shares: parser, logging, progress and exit status."""

from database_tools.cli.parser import Parser
from database_tools.cli.progress import progress
from database_tools.cli.status import command, run

__all__ = ["Parser", "command", "progress", "run"]
