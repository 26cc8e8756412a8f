"""The migrations make the tables that the models describe, and take them away."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from serving.reviews.database.engine import is_current, migrate, open_database
from serving.reviews.database.errors import DatabaseError
from serving.reviews.database.models import Base


def test_migrations_make_the_tables_of_the_models_and_take_them_away(postgresql: str) -> None:
    server = create_engine(f"postgresql+psycopg://postgres@/postgres?host={postgresql}", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE migrations")
    server.dispose()
    engine = open_database(f"postgresql+psycopg://postgres@/migrations?host={postgresql}")
    migrate(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    migrate(engine)
    migrate(engine, "base", down=True)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert not is_current(engine)
    migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite:///a", "postgresql://a/b", "mysql://a/b", "nothing", ""])
def test_an_address_that_is_not_psycopgs_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"Give postgresql\+psycopg://"):
        open_database(url)
