"""What was counted, for whoever reads the run: one line a subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from .books import MANUAL, Books


def lines_of(books: Books) -> Iterator[tuple[str, str]]:
    states = Counter(order.status for order in books.orders)
    yield "orders", listed({"placed": len(books.orders), **dict(sorted(states.items()))})
    yield "payments", listed({"at Stripe": len(books.paid), "orders paid by them": len(books.sold)})
    by_hand = sum((refund.key or "").startswith(MANUAL) for refund in books.refunds)
    yield "refunds", listed({"wished for": by_hand, "by themselves": len(books.refunds) - by_hand})
    kinds = Counter(mail.key.partition(":")[0] for mail in books.mails)
    yield "mails", listed({"accepted": len(books.mails), **dict(sorted(kinds.items()))})
    sold, returned = books.quantities()
    counted = {
        "opening": sum(books.opening.values()),
        "on hand": sum(books.shelf[product][0] for product in books.opening),
        "sold": sold.total(),
        "returned": returned.total(),
        "reserved": sum(books.shelf[product][1] for product in books.opening),
    }
    yield "stock", listed(counted)


def listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def counted(counts: Mapping[int, int] | Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=str))
