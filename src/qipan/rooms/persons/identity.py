"""The vault itself: sealing, opening and finding identities. Only `persons.services` may import this.

A person's identity is JSON under a data key of his own; that key is wrapped by the vault's current key. Both are
bound to the person's id, so that neither opens in another row. Purging a person destroys the only copy of the
wrapped data key; rotating the vault's key re-wraps data keys and leaves identities as they are.
"""

import json
from collections.abc import Sequence
from datetime import date

from qipan.foundation import crypto
from qipan.rooms.persons.rules import (
    DocumentKind,
    Identity,
    SearchBy,
    document_key,
    document_keys,
    name_key,
    phone_key,
)

_VAULT = "vault"
_INDEX = {
    SearchBy.NAME: "index-name",
    SearchBy.DOCUMENT: "index-document",
    SearchBy.PHONE: "index-phone",
}

#: (person id, id of the wrapping key, wrapped data key, sealed identity)
SealedRow = tuple[int, str, bytes, bytes]


def _key_place(person_id: int) -> bytes:
    return b"person-key:%d" % person_id


def _identity_place(person_id: int) -> bytes:
    return b"person:%d" % person_id


def _plain(identity: Identity) -> bytes:
    born = identity.birth_date
    return json.dumps(
        {
            "name": identity.name,
            "document_kind": identity.document_kind.value,
            "document_number": identity.document_number,
            "birth_date": born.isoformat() if born else None,
            "phone": identity.phone,
            "address": identity.address,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def seal_identities(people: Sequence[tuple[int, Identity]]) -> list[SealedRow]:
    """The rows to store for (person id, identity), each under a new data key, wrapped by the current key."""
    if not people:
        return []
    keys = [crypto.new_key() for _ in people]
    wrapped = crypto.seal_many(_VAULT, ((key, _key_place(pk)) for key, (pk, _) in zip(keys, people, strict=True)))
    # one key wraps all of a call; asked of the result, because another process may rotate in between
    vault_key = crypto.sealed_under(_VAULT, wrapped[0])
    seal = crypto.seal_with
    return [
        (pk, vault_key, wrap, seal(key, _plain(identity), bound_to=_identity_place(pk)))
        for key, wrap, (pk, identity) in zip(keys, wrapped, people, strict=True)
    ]


def open_identity(person_id: int, wrapped_key: bytes | memoryview, sealed: bytes | memoryview) -> Identity:
    """The identity of one row. Raises crypto.Unsealable (another row's, changed, or under a retired key)."""
    key = crypto.unseal(_VAULT, wrapped_key, bound_to=_key_place(person_id))
    values = json.loads(crypto.unseal_with(key, sealed, bound_to=_identity_place(person_id)))
    return Identity(
        name=values["name"],
        document_kind=DocumentKind(values["document_kind"]),
        document_number=values["document_number"],
        birth_date=date.fromisoformat(values["birth_date"]) if values["birth_date"] else None,
        phone=values["phone"],
        address=values["address"],
    )


def rewrap(rows: Sequence[tuple[int, bytes | memoryview]]) -> list[tuple[int, str, bytes]]:
    """(person id, wrapped key) to (person id, id of the current key, the same data key wrapped by it)."""
    if not rows:
        return []
    places = [_key_place(pk) for pk, _ in rows]
    wrapped = [wrap for _, wrap in rows]
    keys = crypto.unseal_many(_VAULT, zip(wrapped, places, strict=True))
    fresh = crypto.seal_many(_VAULT, zip(keys, places, strict=True))
    vault_key = crypto.sealed_under(_VAULT, fresh[0])
    return [(pk, vault_key, wrap) for (pk, _), wrap in zip(rows, fresh, strict=True)]


def index_rows(
    people: Sequence[tuple[int, Identity]],
) -> list[tuple[int, bytes | None, bytes | None, bytes | None]]:
    """The blind index of (person id, identity): (person id, digest of name, document, phone), None for unknown."""
    names = _digests(SearchBy.NAME, [name_key(i.name) for _, i in people])
    documents = document_digests([i for _, i in people])
    phones = _digests(SearchBy.PHONE, [i.phone and phone_key(i.phone) for _, i in people])
    return [
        (pk, name, document, phone)
        for (pk, _), name, document, phone in zip(people, names, documents, phones, strict=True)
    ]


def _digests(by: SearchBy, texts: Sequence[str]) -> list[bytes | None]:
    digests = crypto.digest_many(_INDEX[by], (text.encode() for text in texts))
    return [digest if text else None for text, digest in zip(texts, digests, strict=True)]


def document_digests(identities: Sequence[Identity]) -> list[bytes | None]:
    """The digest under which each document is registered; None for people without one."""
    return _digests(
        SearchBy.DOCUMENT,
        [i.document_number and document_key(i.document_kind, i.document_number) for i in identities],
    )


def search_digests(by: SearchBy, text: str) -> list[bytes]:
    """The digests to look for; empty where the text cannot be a name, number or phone."""
    if by is SearchBy.NAME:
        keys = [name_key(text)] if name_key(text) else []
    elif by is SearchBy.DOCUMENT:
        keys = document_keys(text)
    else:
        try:
            keys = [phone_key(text)]
        except ValueError:
            keys = []
    return crypto.digest_many(_INDEX[by], (key.encode() for key in keys))
