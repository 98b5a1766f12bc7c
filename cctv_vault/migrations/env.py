"""How Alembic reaches the index: always through the connection that `Database.migrate` gives it."""

from alembic import context

from cctv_vault.schema import SQLModel

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
