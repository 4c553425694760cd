"""The database itself refuses to change or delete events, whoever asks."""

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "audit_event"
REFUSAL = "audit events are append-only"

# IF NOT EXISTS and IF EXISTS: creating twice and dropping twice are harmless.
_CREATE = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS {TABLE}_{verb} BEFORE {verb} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"""
        CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$
        """,
        f"""
        CREATE OR REPLACE TRIGGER {TABLE}_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()
        """,
    ],
}
_DROP = {
    "sqlite": [f"DROP TRIGGER IF EXISTS {TABLE}_{verb}" for verb in ("UPDATE", "DELETE")],
    "postgresql": [
        f"DROP TRIGGER IF EXISTS {TABLE}_refuse ON {TABLE}",
        f"DROP FUNCTION IF EXISTS {TABLE}_refuse()",
    ],
}


def triggers_create(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, _CREATE[connection.vendor])


def triggers_drop(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, _DROP[connection.vendor])


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
