"""The migrations make the tables that the models describe, and take them away."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from serving.reviews.database.engine import is_current, migrate, open_database
from serving.reviews.database.errors import DatabaseError
from serving.reviews.database.models import Base
from serving.web.database.migrations import RUN


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT CAST(length(:words) AS int) / 0",
        "SELECT length(:words) FROM no_such_table",
        "INSERT INTO kept_texts (text) VALUES (:words)",
    ],
)
def test_an_error_that_is_logged_does_not_show_the_text_of_its_statement(engine: Engine, statement: str) -> None:
    with engine.connect() as connection, pytest.raises(SQLAlchemyError) as raised:
        connection.execute(text(statement), {"words": "what Ada wrote"})
    # PostgreSQL's own detail of a row that breaks a rule is no parameter.
    assert "what Ada wrote" not in str(raised.value).partition("DETAIL")[0]
    assert "[SQL parameters hidden due to hide_parameters=True]" in str(raised.value)


def test_migrations_make_the_tables_of_the_models_and_take_them_away(postgresql: str) -> None:
    server = create_engine(f"postgresql+psycopg://postgres@/postgres?host={postgresql}", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE migrations")
    server.dispose()
    engine = open_database(f"postgresql+psycopg://postgres@/migrations?host={postgresql}")
    migrate(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        assert [
            change
            for change in compare_metadata(MigrationContext.configure(connection), Base.metadata)
            if change[1].name != RUN.name
        ] == []
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
