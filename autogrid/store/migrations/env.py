"""Alembic's entry: runs on the connection it is handed, inside that connection's transaction."""

from alembic import context

from autogrid.store.user_tables import app_user

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run migrations with: autogrid db migrate")
context.configure(connection=connection, target_metadata=app_user.metadata)
with context.begin_transaction():
    context.run_migrations()
