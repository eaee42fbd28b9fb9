"""Work on many things of which none may stop the others, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from mountify import db
from mountify.core.errors import ShopError

T = TypeVar("T")
log = structlog.get_logger()


def each_alone(things: Iterable[T], work: Callable[[T], object], *, but: type[ShopError], most_in_a_row: int) -> int:
    """Work on each, and say how many were worked on, those that failed among them.

    `but` says that somebody we need was silent: such a thing is not counted, and after so many in a row the rest waits
    for another time. What nobody expected is logged with its traceback: a thing that breaks our code breaks it today,
    tomorrow and for ever, and what stands behind it must not wait for somebody to mend that.
    """
    done = silent = 0
    for thing in things:
        try:
            work(thing)
            silent = 0
        except but as error:
            silent += 1
            if silent == most_in_a_row:
                log.warning("rest_left_for_later", why=error.code, done=done)
                break
            continue
        except ShopError as error:
            silent = 0
            log.error("left_as_it_is", about=thing, why=error.code)
        except OperationalError as error:  # a lock that somebody held for too long, a database that has gone
            log.error("left_as_it_is", about=thing, why=type(error.orig).__name__)
        except Exception as error:
            log.exception("left_as_it_is", about=thing, why=type(error).__name__)
        finally:
            db.release()
        done += 1
    return done
