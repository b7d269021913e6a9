"""What every command shares: parser, logging, progress and exit status."""

from database_tools.cli.parser import Parser
from database_tools.cli.progress import progress
from database_tools.cli.status import Command, of_request, run

__all__ = ["Command", "Parser", "of_request", "progress", "run"]
