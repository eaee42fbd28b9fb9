"""How each of the worker's tasks has gone last: the queue forgets what has succeeded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mountify.models.base import Base


class TaskRun(Base):
    """One row a task. `due_by`: when a periodic task that has begun and not succeeded since will be missed."""

    __tablename__ = "task_runs"

    task: Mapped[str] = mapped_column(String(128), primary_key=True)
    due_by: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
