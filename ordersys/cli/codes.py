"""Exit codes of the command line: the same for every command, and never given another meaning."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's end means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    UNFINISHED = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


HELP = """\
exit codes:
  0    done
  1    it failed: an order was refused or is not there, a check is not ok, nothing fits
  2    the call or a setting has to be changed
  3    the API, Kafka or Postgres cannot be reached, or refuses everybody
  4    the time was up before it was finished
  130  interrupted by Ctrl-C
  141  who read the output went away
"""
