"""What every command shares: parser, logging, progress and exit status."""

from database_tools.cli.parser import Parser
from database_tools.cli.progress import progress
from database_tools.cli.scheduler_flag import add_scheduler
from database_tools.cli.status import run

__all__ = ["Parser", "add_scheduler", "progress", "run"]
