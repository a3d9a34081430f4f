"""What makes a row the same row: keyed digests of its identity and of its content.

Keyed, because identities are source ids and identity numbers: a plain hash of those can be tried out.
"""

from collections.abc import Sequence

import polars as pl

from qipan.foundation import crypto
from qipan.foundation.intake.kinds import CONTENT, KEY, FileKind

#: The identity under which a row is remembered (16 bytes); `_key` equals it unless it is here again after a void.
IDENTITY = "_identity"
_PURPOSE = "person-key"
_SIZE = 16


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    # numbers of days and microseconds rather than a library's way of writing them
    value = pl.col(column)
    if isinstance(dtype, pl.Date | pl.Datetime):
        value = value.to_physical()
    return value.cast(pl.String).fill_null("\0")


def _digests(label: str, frame: pl.DataFrame, columns: Sequence[str]) -> list[bytes]:
    if not len(frame):
        return []
    joined = frame.select(
        pl.concat_str([_text(c, frame.schema[c]) for c in columns], separator="\x1f").alias("t")
    )["t"]
    prefix = f"intake-row\0{label}\x1f".encode()
    return crypto.digest_many(_PURPOSE, [prefix + text.encode() for text in joined.to_list()], size=_SIZE)


def with_identities(kind: FileKind, source: str, frame: pl.DataFrame, generation: int) -> pl.DataFrame:
    """A checked frame with `_identity`, `_content` and `_key` (Binary, 16 bytes each).

    A kind without id columns is identified by its content. `generation`: how many batches of this source were
    voided before; the key of a fact that comes again after a void must differ from the voided fact's.
    """
    label = f"{kind.name}\x1f{source}"
    contents = _digests(f"content\x1f{label}", frame, [column.name for column in kind.columns])
    identities = _digests(f"id\x1f{label}", frame, kind.id_columns) if kind.id_columns else contents
    keys = identities
    if generation:
        suffix = generation.to_bytes(4, "big")
        keys = crypto.digest_many(_PURPOSE, [identity + suffix for identity in identities], size=_SIZE)
    return frame.with_columns(
        pl.Series(IDENTITY, identities, dtype=pl.Binary),
        pl.Series(CONTENT, contents, dtype=pl.Binary),
        pl.Series(KEY, keys, dtype=pl.Binary),
    )
