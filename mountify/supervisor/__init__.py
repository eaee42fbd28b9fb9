"""`make run`: the whole shop on one machine, each part a process of its own, and none of them left behind."""

from mountify.supervisor.run import up

__all__ = ["up"]
