"""Work on many things of which none may stop the others, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from mountify import db
from mountify.core.errors import ShopError
from mountify.core.errors.outside import SomeFailed
from mountify.core.errors.payments import PaymentsUnavailable

T = TypeVar("T")
log = structlog.get_logger()

MOST_SILENT = 3


@dataclass(frozen=True)
class Tally:
    """How many went well, and how many did not or were left for later."""

    done: int
    failed: int

    def check(self) -> None:
        """Raises SomeFailed, so that whoever watches a task learns that it did not do all it should."""
        if self.failed:
            raise SomeFailed(failed=self.failed, done=self.done)


def each_alone(things: Sequence[T], work: Callable[[T], object]) -> Tally:
    """Work on each, whatever happens to the others.

    Stripe may be silent about one thing alone: to who asks the same, it repeats an error of its own for a day. After
    MOST_SILENT in a row it is down, and the rest waits for another time.
    What nobody expected is logged with its traceback: a thing that breaks our code breaks it today, tomorrow and for
    ever, and what stands behind it must not wait for somebody to mend that.
    """
    done = silent = 0
    for thing in things:
        try:
            work(thing)
            done += 1
            silent = 0
        except PaymentsUnavailable as error:
            silent += 1
            if silent == MOST_SILENT:
                log.error("rest_left_for_later", why=error.code, done=done)
                break
        except ShopError as error:
            silent = 0
            log.error("left_as_it_is", about=thing, why=error.code)
        except DBAPIError as error:  # a lock that somebody held for too long, a database that has gone; or our fault
            tell = log.error if db.has_failed(error) else log.exception
            tell("left_as_it_is", about=thing, why=type(error.orig).__name__)
        except Exception as error:
            log.exception("left_as_it_is", about=thing, why=type(error).__name__)
        finally:
            db.release()
    return Tally(done, len(things) - done)
