"""What a person has to look at, wherever it is told, each with the command that resolves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy import text

from mountify import db

MOST_OF_EACH = 100


@dataclass(frozen=True)
class Item:
    """One thing to look at; `command` resolves it or begins to."""

    kind: str
    what: str
    command: str
    since: datetime
    order_number: str | None


@dataclass(frozen=True)
class Open:
    """The oldest of each source, and how many there are in all."""

    items: list[Item]
    total: int

    def as_json(self) -> dict[str, object]:
        """The same for the command line and the API."""
        return {
            "items": [
                {
                    "kind": item.kind,
                    "what": item.what,
                    "command": item.command,
                    "since": item.since.isoformat(),
                    "orderNumber": item.order_number,
                }
                for item in self.items
            ],
            "total": self.total,
        }


# Each gives the columns of an Item, and how many it would give without its limit; all are asked at once.
_SOURCES: tuple[str, ...] = (
    """
        SELECT 'webhook',
               format('What Stripe told us in %s (%s) could not be followed: %s. If you have mended it at Stripe: '
                      'mountify webhooks dismiss %s', w.event_id, w.type,
                      coalesce(w.error, 'unknown'), w.id),
               format('mountify webhooks replay %s', w.id), w.parked_at AS since, NULL, count(*) OVER ()
        FROM webhook_events w WHERE w.processed_at IS NULL AND w.parked_at IS NOT NULL
    """,
    """
        SELECT 'email', format('The mail "%s" (%s) was not accepted: %s', e.subject, e.kind, e.error),
               format('mountify emails resend %s', e.id), coalesce(e.tried_at, e.created_at) AS since, o.number,
               count(*) OVER ()
        FROM emails e LEFT JOIN orders o ON o.id = e.order_id WHERE e.state = 'failed'
    """,
    # A task that comes round by itself has its row in task_runs, and its next round comes whatever became of this one.
    """
        SELECT 'job', format('The job %s %s has failed %s times and is not tried again.', j.task_name, j.args,
                             j.attempts),
               format('mountify jobs retry %s', j.id),
               (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) AS since, NULL, count(*) OVER ()
        FROM procrastinate_jobs j
        WHERE j.status = 'failed' AND NOT EXISTS (SELECT 1 FROM task_runs r WHERE r.task = j.task_name)
    """,
    # A refund that failed is made good by one in its place, which speaks for itself when it fails, or when nothing is
    # left of its payment. Other refunds of that payment have nothing to do with it.
    """
        SELECT 'refund',
               CASE WHEN r.stripe_refund_id IS NULL
               THEN format('Stripe refused a refund of %s %s, and nothing was sent: %s. If nothing more is to go back: '
                           'mountify attention done --refund %s', r.amount, p.currency, r.error, r.id)
               ELSE format('A refund of %s %s did not reach the buyer, the money is back with you. If you have paid it '
                           'in another way: mountify attention done --refund %s', r.amount, p.currency, r.id) END,
               format('mountify orders refund %s --again %s', o.number, r.id), r.updated_at AS since, o.number,
               count(*) OVER ()
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        CROSS JOIN LATERAL (SELECT coalesce(sum(m.amount), 0) AS sum FROM refunds m
                            WHERE m.payment_id = p.id AND m.state NOT IN ('failed', 'void')) g
        WHERE r.state = 'failed' AND p.amount > g.sum
          AND NOT EXISTS (SELECT 1 FROM refunds n WHERE n.replaces_id = r.id AND n.state <> 'void')
          AND NOT EXISTS (SELECT 1 FROM attention_notes t WHERE t.kind = 'refund' AND t.about = CAST(r.id AS text))
    """,
    """
        SELECT 'refund',
               format('A refund of %s %s is %s since %s.', r.amount, p.currency,
                      CASE r.state WHEN 'created' THEN 'not taken by Stripe' ELSE 'on its way' END,
                      to_char(r.created_at, 'YYYY-MM-DD HH24:MI')),
               format('mountify orders sync %s', o.number), r.created_at AS since, o.number, count(*) OVER ()
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        WHERE (r.state = 'created' AND r.created_at < CAST(:now AS timestamptz) - interval '1 hour')
           OR (r.state = 'pending' AND r.created_at < CAST(:now AS timestamptz) - interval '7 days')
    """,
    """
        SELECT t.kind, t.what, format('mountify attention done %s', t.id), t.created_at AS since, o.number,
               count(*) OVER ()
        FROM attention_notes t LEFT JOIN orders o ON o.id = t.order_id WHERE t.resolved_at IS NULL
    """,
)


_ALL = text(
    " UNION ALL ".join(
        f"SELECT {place}, mine.* FROM ({source} ORDER BY since LIMIT {MOST_OF_EACH}) mine"  # noqa: S608 (all of it ours)
        for place, source in enumerate(_SOURCES)
    )
)


def list_open(*, now: datetime) -> Open:
    """List what a person has to look at, oldest first; of each source at most the oldest hundred."""
    rows = db.session.execute(_ALL, {"now": now}).all()
    items = [Item(*row[1:6]) for row in rows]
    return Open(sorted(items, key=attrgetter("since")), sum({row[0]: row[6] for row in rows}.values()))
