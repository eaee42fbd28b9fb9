"""What must be true of stock, and of what was promised to be done (I3, I4, I5, I8, I10, I11).

Each query gives two texts per violation: what is wrong, and the command to begin with.
"""

CHECKS: dict[str, str] = {
    "I3": """
        SELECT format('order %s has %s confirmations', o.number, count(e.id)),
               format('mountify orders show %s', o.number)
        FROM orders o LEFT JOIN emails e ON e.order_id = o.id AND e.kind = 'confirmed'
         AND e.idempotency_key NOT LIKE '%:again:%'  -- a copy that the desk has sent
        WHERE o.source = 'checkout' AND o.paid_session IS NOT NULL GROUP BY o.id HAVING count(e.id) <> 1
    """,
    "I3 sent": """
        SELECT format('mail %s was not accepted: %s', e.idempotency_key, e.error),
               format('mountify emails resend %s', e.id)
        FROM emails e WHERE e.state = 'failed'
    """,
    "I4 on hand": """
        SELECT format('product %s has %s on hand, its ledger says %s', i.sku_id, i.on_hand, coalesce(sum(m.delta), 0)),
               format('count the parts, then book the difference for product %s', i.sku_id)
        FROM inventory i LEFT JOIN stock_movements m ON m.product_id = i.sku_id
        GROUP BY i.sku_id HAVING i.on_hand <> coalesce(sum(m.delta), 0)
    """,
    "I4 reserved": """
        SELECT format('product %s has %s reserved, its orders hold %s', i.sku_id, i.reserved, coalesce(h.held, 0)),
               format('mountify inventory recount %s', i.sku_id)
        FROM inventory i LEFT JOIN (
            SELECT t.product_id, sum(t.quantity) AS held FROM order_items t JOIN orders o ON o.id = t.order_id
            WHERE o.inventory_reserved GROUP BY t.product_id) h ON h.product_id = i.sku_id
        WHERE i.reserved <> coalesce(h.held, 0)
    """,
    "I4 sold": """
        SELECT format('order %s sold %s of product %s, its ledger says %s', o.number, t.quantity, t.product_id,
                      coalesce(-m.delta, 0)),
               format('mountify orders show %s', o.number)
        FROM orders o JOIN order_items t ON t.order_id = o.id
        LEFT JOIN stock_movements m ON m.order_id = o.id AND m.product_id = t.product_id AND m.reason = 'sale'
        WHERE o.stock_sold AND coalesce(-m.delta, 0) <> t.quantity
    """,
    "I4 returned": """
        SELECT format('order %s sold %s of product %s and got %s back', min(o.number),
                      -sum(m.delta) FILTER (WHERE m.reason = 'sale'), m.product_id,
                      sum(m.delta) FILTER (WHERE m.reason = 'return')),
               format('mountify orders show %s', min(o.number))
        FROM stock_movements m JOIN orders o ON o.id = m.order_id WHERE m.reason IN ('sale', 'return')
        GROUP BY m.order_id, m.product_id HAVING sum(m.delta) > 0
    """,
    "I5": """
        SELECT format('order %s is pending although its time ran out', o.number),
               format('mountify orders sync %s', o.number)
        FROM orders o
        WHERE o.status = 'pending' AND o.reserved_until < CAST(:now AS timestamptz) - interval '10 minutes'
          AND NOT EXISTS (SELECT 1 FROM payment_attempts a WHERE a.order_id = o.id AND a.state = 'complete')
    """,
    "I8": """
        SELECT format('webhook %s (%s) waits since %s', w.event_id, w.type, w.received_at),
               format('mountify webhooks replay %s', w.id)
        FROM webhook_events w
        WHERE w.processed_at IS NULL AND w.parked_at IS NULL
          AND w.received_at < CAST(:now AS timestamptz) - interval '2 hours'
    """,
    "I8 parked": """
        SELECT format('webhook %s (%s) was given up: %s', w.event_id, w.type, w.error),
               format('mountify webhooks replay %s', w.id)
        FROM webhook_events w WHERE w.processed_at IS NULL AND w.parked_at IS NOT NULL
    """,
    "I10": """
        SELECT format('job %s (%s) is due since %s', j.id, j.task_name, coalesce(j.scheduled_at, e.at)),
               'start a worker: mountify worker'
        FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
        WHERE j.status = 'todo' AND coalesce(j.scheduled_at, e.at) < CAST(:now AS timestamptz) - interval '60 seconds'
          AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs k WHERE k.lock = j.lock AND k.status = 'doing')
          AND EXISTS (SELECT 1 FROM procrastinate_workers
                      WHERE last_heartbeat > CAST(:now AS timestamptz) - interval '30 seconds')
    """,
    "I10 late": """
        SELECT format('task %s was to succeed by %s at the latest; it last ended with: %s', r.task, r.due_by,
                      coalesce(r.error, 'nothing')),
               format('mountify jobs run %s', r.task)
        FROM task_runs r
        WHERE r.due_by < CAST(:now AS timestamptz)
          AND EXISTS (SELECT 1 FROM procrastinate_workers
                      WHERE last_heartbeat > CAST(:now AS timestamptz) - interval '30 seconds')
    """,
    "I10 stuck": """
        SELECT format('job %s (%s) is being worked on since %s', j.id, j.task_name, max(e.at)),
               'restart the worker: it takes up again what was left'
        FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'started'
        JOIN procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'doing' AND w.last_heartbeat > CAST(:now AS timestamptz) - interval '30 seconds'
        GROUP BY j.id HAVING max(e.at) < CAST(:now AS timestamptz) - interval '1 hour'
    """,
    "I10 dead": """
        SELECT format('job %s (%s) failed %s times and is not tried again', j.id, j.task_name, j.attempts),
               format('mountify jobs retry %s', j.id)
        FROM procrastinate_jobs j WHERE j.status = 'failed'
    """,
    "I10 mail": """
        SELECT format('mail %s waits since %s', e.idempotency_key, e.created_at),
               format('mountify emails resend %s', e.id)
        FROM emails e
        WHERE e.state = 'queued' AND e.created_at < CAST(:now AS timestamptz) - interval '24 hours'
    """,
    "I11": """
        SELECT format('order %s belongs to another account than the cart it came from', o.number),
               format('mountify orders show %s', o.number)
        FROM orders o JOIN carts c ON c.id = o.cart_id
        WHERE c.user_id IS NOT NULL AND c.user_id IS DISTINCT FROM o.user_id
    """,
}
