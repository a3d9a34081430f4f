"""What makes a row the same row: keyed digests of its identity and of its content.

Keyed, because identities are source ids and identity numbers: a plain hash of those can be tried out.
"""

from collections.abc import Sequence

import polars as pl

from qipan.foundation import crypto
from qipan.foundation.intake.kinds import CONTENT, KEY, FileKind

#: The identity under which a row is remembered (16 bytes); `_key` equals it unless it is here again after a void.
IDENTITY = "_identity"
IDENTITY_BYTES = 16
#: How much of the digest of a numbered identity says which hundred or ten thousand it is of (`id_digits`).
HEAD = 4
_PURPOSE = "person-key"


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    # numbers of days and microseconds rather than a library's way of writing them
    value = pl.col(column)
    if isinstance(dtype, pl.Date | pl.Datetime):
        value = value.to_physical()
    return value.cast(pl.String).fill_null("\0")


def _digests(
    label: str, frame: pl.DataFrame, columns: Sequence[str], size: int = IDENTITY_BYTES, cut: int = 0
) -> list[bytes]:
    """Digests of the columns together; `cut`: without so many characters at the end."""
    if not len(frame):
        return []
    parts = [pl.lit(f"intake-row\0{label}"), *(_text(c, frame.schema[c]) for c in columns)]
    joined = frame.select(pl.concat_str(parts, separator="\x1f").cast(pl.Binary).alias("t"))["t"]
    if not cut:
        return crypto.digest_many(_PURPOSE, joined.to_list(), size=size)
    heads = joined.cast(pl.String).str.head(-cut).cast(pl.Binary).to_list()
    different = list(dict.fromkeys(heads))
    digests = dict(zip(different, crypto.digest_many(_PURPOSE, different, size=size), strict=True))
    return [digests[head] for head in heads]


def _identities(kind: FileKind, label: str, frame: pl.DataFrame) -> list[bytes]:
    if not kind.id_digits:
        return _digests(f"id\x1f{label}", frame, kind.id_columns)
    # numbers in sequence begin alike, so that a chunk goes to a few pages of an index and not to all of them
    heads = _digests(f"id-head\x1f{label}", frame, kind.id_columns, HEAD, kind.id_digits)
    tails = _digests(f"id\x1f{label}", frame, kind.id_columns, IDENTITY_BYTES - HEAD)
    return [head + tail for head, tail in zip(heads, tails, strict=True)]


def with_identities(kind: FileKind, source: str, frame: pl.DataFrame, generation: int) -> pl.DataFrame:
    """A checked frame with `_identity`, `_content` and `_key` (Binary, 16 bytes each).

    A kind without id columns is identified by its content. `generation`: how many batches of this source were
    voided before; the key of a fact that comes again after a void must differ from the voided fact's.
    """
    label = f"{kind.name}\x1f{source}"
    contents = _digests(f"content\x1f{label}", frame, [column.name for column in kind.columns])
    identities = _identities(kind, label, frame) if kind.id_columns else contents
    keys = identities
    if generation:
        suffix = generation.to_bytes(4, "big")
        suffixed = [identity + suffix for identity in identities]
        again = crypto.digest_many(_PURPOSE, suffixed, size=IDENTITY_BYTES - HEAD)
        keys = [identity[:HEAD] + digest for identity, digest in zip(identities, again, strict=True)]
    return frame.with_columns(
        pl.Series(IDENTITY, identities, dtype=pl.Binary),
        pl.Series(CONTENT, contents, dtype=pl.Binary),
        pl.Series(KEY, keys, dtype=pl.Binary),
    )
