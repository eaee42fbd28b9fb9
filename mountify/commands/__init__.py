"""Commands for whoever keeps a shop alive, by what they are about."""

from __future__ import annotations

from mountify.commands.accounts import accounts
from mountify.commands.attention import attention
from mountify.commands.checks import audit, doctor, reconcile
from mountify.commands.inventory import inventory
from mountify.commands.orders import orders
from mountify.commands.waiting import emails, jobs, webhooks

COMMANDS = (audit, doctor, reconcile, orders, webhooks, emails, jobs, inventory, accounts, attention)
