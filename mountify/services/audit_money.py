"""What must be true of orders, payments and refunds (I1, I2, I6, I7, I9, and I10 of refunds).

Each query gives two texts per violation: what is wrong, and the command to begin with.
"""

CHECKS: dict[str, str] = {
    # A refund that failed and has a note was made good in another way: who obeyed the command here would pay twice.
    "I1": """
        SELECT format('payment %s of order %s is neither the payment of its order nor refunded', p.id, o.number),
               format('mountify orders refund %s --payment %s', o.number, p.payment_intent)
        FROM payments p JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        WHERE o.paid_session IS DISTINCT FROM a.session_id
          AND p.amount > (SELECT coalesce(sum(r.amount), 0) FROM refunds r
                          WHERE r.payment_id = p.id AND (r.state NOT IN ('failed', 'void') OR EXISTS (
                              SELECT FROM attention_notes t WHERE t.kind = 'refund' AND t.about = CAST(r.id AS text))))
                       + (SELECT coalesce(sum(d.amount), 0) FROM disputes d
                          WHERE d.payment_id = p.id AND d.state NOT IN ('won', 'prevented')
                            AND d.state NOT LIKE 'warning_%')
    """,
    "I2": """
        SELECT format('order %s is paid without a payment of its amount', o.number),
               format('mountify orders sync %s', o.number)
        FROM orders o
        WHERE o.source = 'checkout' AND o.status IN ('paid', 'shipped', 'delivered', 'refunded')
          AND NOT EXISTS (SELECT 1 FROM payments p JOIN payment_attempts a ON a.id = p.attempt_id
                          WHERE a.order_id = o.id AND a.session_id = o.paid_session
                            AND p.amount = o.total AND p.currency = o.currency)
    """,
    "I6": """
        SELECT format('order %s has a subtotal of %s, its lines add up to %s', o.number, o.subtotal,
                      coalesce(sum(t.price * t.quantity), 0)),
               format('mountify orders show %s', o.number)
        FROM orders o LEFT JOIN order_items t ON t.order_id = o.id
        GROUP BY o.id HAVING o.subtotal <> coalesce(sum(t.price * t.quantity), 0)
    """,
    "I7": """
        SELECT format('order %s is %s but its timeline has %s such rows', o.number, o.status, count(e.id)),
               format('mountify orders show %s', o.number)
        FROM orders o LEFT JOIN order_events e ON e.order_id = o.id AND e.kind = o.status
        WHERE o.status <> 'pending' GROUP BY o.id HAVING count(e.id) <> 1
    """,
    "I7 back": """
        SELECT format('order %s was paid and is %s now', o.number, o.status),
               format('mountify orders show %s', o.number)
        FROM orders o JOIN order_events e ON e.order_id = o.id AND e.kind = 'paid'
        WHERE o.status IN ('pending', 'expired', 'cancelled')
    """,
    "I9": """
        SELECT format('payment %s of %s has refunds of %s', p.id, p.amount, sum(r.amount)),
               format('mountify orders show %s', min(o.number))
        FROM payments p JOIN refunds r ON r.payment_id = p.id AND r.state IN ('pending', 'succeeded')
        JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        GROUP BY p.id HAVING sum(r.amount) > p.amount
    """,
    "I9 total": """
        SELECT format('order %s says that %s went back, its refunds say %s', o.number, o.refunded_total, m.sum),
               format('mountify orders sync %s', o.number)
        FROM orders o JOIN payment_attempts a ON a.session_id = o.paid_session JOIN payments p ON p.attempt_id = a.id
        CROSS JOIN LATERAL (SELECT coalesce(sum(r.amount), 0) AS sum FROM refunds r
                            WHERE r.payment_id = p.id AND r.state IN ('pending', 'succeeded')) m
        WHERE o.refunded_total <> m.sum
    """,
    "I9 payment": """
        SELECT format('payment %s of %s is %s, %s of it has arrived', p.payment_intent, p.amount, p.state, m.sum),
               format('mountify orders sync %s', o.number)
        FROM payments p JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        CROSS JOIN LATERAL (SELECT coalesce(sum(r.amount), 0) AS sum FROM refunds r
                            WHERE r.payment_id = p.id AND r.state = 'succeeded') m
        WHERE (p.state = 'refunded') <> (p.amount > 0 AND m.sum >= p.amount)
    """,
    "I9 automatic": """
        SELECT format('payment %s was refunded %s times because of "%s"', r.payment_id, count(*), r.reason),
               'look at the payment in Stripe''s dashboard'
        FROM refunds r WHERE r.state NOT IN ('failed', 'void') AND r.idempotency_key LIKE 'refund-%'
        GROUP BY r.payment_id, r.reason HAVING count(*) > 1
    """,
    "I10 refund": """
        SELECT format('a refund of %s of order %s waits since %s: %s', r.amount, o.number, r.created_at,
                      coalesce(r.error, 'not tried yet')),
               format('mountify orders sync %s', o.number)
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        WHERE r.state = 'created' AND r.created_at < CAST(:now AS timestamptz) - interval '1 hour'
    """,
}
