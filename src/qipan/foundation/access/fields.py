"""The stored area path by which everything is scoped."""

from typing import Any

from django.db import models


class AreaPathField(models.CharField):  # type: ignore[type-arg]
    """A materialised area path ("/410000/411200/411202/"), compared byte by byte on both databases.

    Prefix searches are ranges over its index; PostgreSQL compares texts by language unless told otherwise,
    which would put "/" and digits in another order than the range expects.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 160)
        super().__init__(*args, **kwargs)

    def db_parameters(self, connection: Any) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
