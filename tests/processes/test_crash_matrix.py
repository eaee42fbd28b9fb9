"""Whatever is killed, and wherever it stands: what was promised is done, once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

import pytest

from tests.checkpoints import every_point

from . import stories
from .standing import COMMAND, Standing
from .stories import Killing
from .visit import Visit

pytestmark = [pytest.mark.usefixtures("redis"), pytest.mark.xdist_group("processes")]

Story = Callable[[Standing, Visit, Killing], None]
Row = tuple[str, str, Story]

# Who comes to the points of a family, and how: a new point is killed at in every story of its family.
STORIES: dict[tuple[str, str], Story] = {
    ("web", "checkout"): stories.buys,
    ("web", "webhook"): stories.buys,
    ("web", "settle"): stories.comes_back,
    ("web", "end"): stories.gives_up,
    ("web", "merge"): stories.signs_in,
    ("web", "shipping"): stories.is_shipped,
    ("worker", "settle"): stories.buys,
    ("worker", "email"): stories.buys,
    ("worker", "end"): stories.expires,
    ("worker", "refund"): stories.is_refunded,
    ("worker", "dispute"): stories.disputes,
}
# Points to which only one of them comes, and in a story of its own.
ELSEWHERE: list[Row] = [
    (COMMAND, "refund.requested", stories.is_refunded_by_command),
    ("worker", "refund.refused", stories.is_refused_a_refund),
]
ALSO: list[Row] = [
    ("worker", "settle.before_commit", stories.pays_too_late),
    ("worker", "refund.sent", stories.pays_too_late),
]
MATRIX: list[Row] = [
    *ELSEWHERE,
    *ALSO,
    *(
        (name, point, story)
        for point in every_point()
        for (name, family), story in STORIES.items()
        if point.startswith(f"{family}.") and point not in {elsewhere for _, elsewhere, _ in ELSEWHERE}
    ),
]


def named(name: str, point: str, story: Story) -> str:
    return f"{name}-{point}-{story.__name__}"


@pytest.mark.parametrize(("name", "point", "story"), MATRIX, ids=list(starmap(named, MATRIX)))
def test_who_is_killed_anywhere_has_done_it_once(standing: Standing, name: str, point: str, story: Story) -> None:
    story(standing, standing.visit(), standing.killed_at(name, point))


def test_every_point_of_the_source_is_one_to_be_killed_at() -> None:
    points = every_point()
    assert len(points) == len(set(points)) and {point for _, point, _ in MATRIX} == set(points)


@pytest.mark.parametrize("point", ["email.before_send", "email.sent"])
def test_what_a_killed_worker_had_in_hand_is_taken_again_without_help(standing: Standing, point: str) -> None:
    """The next one waits for ten seconds of silence, and never sends a mail twice."""
    stories.buys(standing, standing.visit(), standing.killed_at("worker", point, waits=True))
