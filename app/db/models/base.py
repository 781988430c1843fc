"""What the models of every noun share: the metadata, the clock's default, and a CHECK of values."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase

NOW = text("mooring_now()")
LONG_AGO = text("'-infinity'")
# Half-empty pages keep the updates of claim and record on their page (HOT).
CHURN = {"postgresql_with": {"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02}}


def one_of(column: str, values: type[Any]) -> CheckConstraint:
    """A CHECK in place of an enum type: adding a value is then no ALTER TYPE."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    """The metadata; text is `text`, and moments always carry their zone."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
    }
