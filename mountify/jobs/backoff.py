"""When a job that failed is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job


@dataclass(frozen=True)
class Backoff(BaseRetryStrategy):
    """Wait 2, 4, 8 … seconds, at most `longest_s`, and up to a half more, so that what failed together comes apart.

    After `most_attempts` the job is dead: it stays in the queue as failed, for a person to look at.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    most_attempts: int
    longest_s: int = 3600
    chance: Callable[[], float] = random.random

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if self.is_last(job):
            return None
        return RetryDecision(retry_in={"seconds": self.wait_s(job.attempts)})

    def is_last(self, job: Job) -> bool:
        """Say whether a job that is being tried is tried for the last time."""
        attempts: int = job.attempts
        return attempts + 1 >= self.most_attempts

    def wait_s(self, attempts: int) -> int:
        """Say how long to wait after so many failed attempts before this one."""
        base: int = min(self.longest_s, 2 ** min(attempts + 1, 30))
        return round(base * (1 + self.chance() / 2))
