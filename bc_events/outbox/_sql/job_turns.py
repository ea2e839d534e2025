"""JobTurns: in the order of jobs, the job after which a store goes on when it looks for one that is not held up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class JobTurns:
    """`after` is the job that had its turn last, so that no job comes last each time.

    Threads may share it: a turn that is lost harms nothing.
    """

    after: str = ""

    def jobs(self, next_jobs: Callable[[str], list[tuple[str, int, bool]]]) -> Iterator[list[tuple[str, int]]]:
        """Some jobs that are not held up, each with the `seq` of its first event, and then the next ones.

        `next_jobs` gives the jobs after one: name, first `seq`, and whether that event is ready. It gives none at the
        end.
        """
        for start in dict.fromkeys((self.after, "")):
            last = start
            while found := next_jobs(last):
                yield [(job_id, seq) for job_id, seq, is_ready in found if is_ready]
                if found[-1][0] == last:  # a name that is no text: nothing comes after it
                    break
                last = found[-1][0]
