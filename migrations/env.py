"""Alembic's environment: runs the migrations on the connection that `app.db.migrations` gives."""

from alembic import context

from app.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
