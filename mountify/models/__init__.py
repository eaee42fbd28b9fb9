"""Every table, so that one import knows them all."""

from mountify.models import account, attention, audit_log, cart, catalogue, email, order, payment, task_run
from mountify.models.base import Base

__all__ = ["Base", "account", "attention", "audit_log", "cart", "catalogue", "email", "order", "payment", "task_run"]
