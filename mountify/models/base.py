"""What every table shares: names of constraints, the money column, times in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, ColumnElement, Enum, MetaData, Numeric, Text, any_, func, literal
from sqlalchemy.dialects.postgresql import ARRAY, CITEXT, JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, mapped_column
from sqlalchemy.types import TypeDecorator

from mountify.core.money import Money


class MoneyType(TypeDecorator[Money]):
    """NUMERIC(10,2) in SQL, Money in Python."""

    impl = Numeric(10, 2)
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else value.amount

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> Money | None:
        return None if value is None else Money(value)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        Money: MoneyType(),
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        int: BigInteger(),
    }


def words(kind: type[StrEnum], name: str) -> Enum:
    """A text column whose CHECK allows the members of an enumeration only."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=name,
        length=20,
        values_callable=lambda members: list(members),
    )


def is_one_of(column: InstrumentedAttribute[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """A condition: one of as many texts as there are. `in_` sends each by itself, 65,535 at most."""
    return column == any_(literal(list(values), ARRAY(Text)))


Id = Annotated[int, mapped_column(primary_key=True)]
CiText = Annotated[str, mapped_column(CITEXT())]
Created = Annotated[datetime, mapped_column(server_default=func.now())]
Updated = Annotated[datetime, mapped_column(server_default=func.now(), onupdate=func.now())]
