"""What the database says of JSON, for constraints."""

from typing import Any

from django.db.models import CharField, Func


class JsonType(Func):
    """“array” for a list; other kinds go by other names in each database."""

    function = "JSON_TYPE"
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_TYPEOF", **context)
