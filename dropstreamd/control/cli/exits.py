"""What the exit code of `dropstreamctl` says."""

from enum import IntEnum


class Exit(IntEnum):
    """Scripts act on these: they do not change."""

    OK = 0
    FAILED = 1
    REFUSED = 2
    UNREACHABLE = 3
    UNCONFIRMED = 4
    UNFINISHED = 5
    INTERRUPTED = 130
    PIPE_CLOSED = 141


EXIT_HELP = """\
exit codes:
  0    done; for a check: everything was found well; for run --wait: it succeeded, and set nothing aside
  1    it failed, something was found wrong or left undone; for run --wait: it did not succeed, did not
       look at everything, or set something aside (`"result"` of --json tells which)
  2    the command or its input was refused, as wrong or as not possible now; every problem is listed
  3    the daemon could not be reached, or its socket may not be used
  4    a person's confirmation is needed and was not given (see --yes)
  5    --wait ended before the run did; the run goes on
  130  interrupted; a run that was started goes on
  141  whoever read the output closed it
"""
