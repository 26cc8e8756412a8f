"""The program that Alembic runs.

It migrates on the connection that `database.engine.migrate` gives it.
"""

from alembic import context

from serving.reviews.database.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
