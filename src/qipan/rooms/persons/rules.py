"""What a registered person must look like, and for which purposes an identity may be opened. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from qipan.terms.identity import parse_citizen_number, parse_passport, parse_person_code, parse_phone

#: How synthetic people are told from real ones by whoever sees them.
SYNTHETIC_NAME = "演示·"
SYNTHETIC_DOCUMENT = "SYN-"
#: No subscriber's number in China begins with three zeros.
SYNTHETIC_PHONE = "000"

_NAME_LENGTH = 100
_ADDRESS_LENGTH = 300
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅", "·"))
_SYNTHETIC_NUMBER = re.compile(r"SYN-[A-Z0-9-]{1,36}")


class Purpose(StrEnum):
    """What an identity may be opened for. Disease control only: there is no other word to say."""

    CASE_INVESTIGATION = "case_investigation"
    CONTACT_TRACING = "contact_tracing"
    ORDER_SERVICE = "order_service"
    FOLLOW_UP = "follow_up"
    TESTING = "testing"
    MEDICAL_CARE = "medical_care"
    APPEAL = "appeal"
    SUBJECT_REQUEST = "subject_request"


class PurgeReason(StrEnum):
    """Why an identity is destroyed."""

    EMERGENCY_ENDED = "emergency_ended"
    RETENTION_ENDED = "retention_ended"
    SUBJECT_REQUEST = "subject_request"


class DocumentKind(StrEnum):
    ID = "id"
    PASSPORT = "passport"
    OTHER = "other"
    NONE = "none"
    SYNTHETIC = "synthetic"


class SearchBy(StrEnum):
    """The three exact look-ups; there is no other search over identities."""

    NAME = "name"
    DOCUMENT = "document"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, in canonical form; empty texts where unknown."""

    name: str
    document_kind: DocumentKind = DocumentKind.NONE
    document_number: str = ""
    birth_date: date | None = None
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """One row of the `persons` table as it came; `area` is an area code."""

    source_id: str
    name: str
    area: str
    document_kind: str = "none"
    document_number: str = ""
    birth_date: date | None = None
    sex: str = ""
    phone: str = ""
    address: str = ""
    household: str = ""


@dataclass(frozen=True, slots=True)
class CheckedPerson:
    """A row that may be registered: canonical identity, and what the pseudonymous row takes from it."""

    source_id: str
    identity: Identity
    sex: str
    birth_year: int | None
    household: str


class RowProblem(ValueError):
    """Why a row cannot be registered: the column and a msgid without personal data."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def _shown(text: str, column: str, longest: int) -> str:
    """`text` in NFC without outer blanks. Raises RowProblem for unseen characters and for what is too long."""
    kept = unicodedata.normalize("NFC", text).strip()
    if len(kept) > longest:
        raise RowProblem(column, "This text is too long.")
    if not kept.isprintable() and any(unicodedata.category(character) in _UNSEEN for character in kept):
        raise RowProblem(column, "This text holds characters that cannot be seen.")
    return kept


def name_key(name: str) -> str:
    """The form of a name under which it is found again: width, case, blanks and the kind of dot do not count."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_DOTS)
    return "".join(folded.split())


def phone_key(phone: str) -> str:
    """The form of a phone number under which it is found again. Raises ValueError(`format`)."""
    return parse_phone(phone)


def document_keys(number: str) -> list[str]:
    """The forms under which a document number may have been registered, whatever its kind."""
    keys = []
    for kind in (DocumentKind.ID, DocumentKind.PASSPORT, DocumentKind.OTHER, DocumentKind.SYNTHETIC):
        try:
            keys.append(document_key(kind, canonical_number(kind, number)))
        except ValueError:
            continue
    return keys


def document_key(kind: DocumentKind, number: str) -> str:
    """The form of a canonical document number under which it is found again."""
    return f"{kind}\0{number}"


def canonical_number(kind: DocumentKind, number: str) -> str:
    """The canonical form of a document number; ValueError with a reason where it is none."""
    if kind is DocumentKind.ID:
        return parse_citizen_number(number).number
    if kind is DocumentKind.SYNTHETIC:
        text = number.strip().upper()
        if not _SYNTHETIC_NUMBER.fullmatch(text):
            raise ValueError("format")
        return text
    if kind is DocumentKind.NONE:
        if number.strip():
            raise ValueError("format")
        return ""
    return parse_passport(number)


_ID_REASONS = {
    "length": "An identity number has 18 digits (15 in old documents).",
    "region": "The region of this identity number does not exist.",
    "birth_date": "The birth date in this identity number does not exist.",
    "check": "The check digit of this identity number is wrong.",
}


def _document(person: NewPerson, demo: bool) -> tuple[DocumentKind, str, date | None, str]:
    """(kind, canonical number, birth date, sex) with what a citizen number says of its holder."""
    try:
        kind = DocumentKind(person.document_kind.strip().lower() or "none")
    except ValueError:
        raise RowProblem("document_kind", "This is not a kind of document.") from None
    if kind is DocumentKind.SYNTHETIC and not demo:
        raise RowProblem("document_kind", "Synthetic people are only registered in a demonstration.")
    sex = person.sex.strip().lower() or "unknown"
    if sex not in ("male", "female", "unknown"):
        raise RowProblem("sex", "Sex is male, female or unknown.")
    born = person.birth_date
    if kind is DocumentKind.ID:
        try:
            citizen = parse_citizen_number(person.document_number)
        except ValueError as error:
            raise RowProblem("document_number", _ID_REASONS[str(error)]) from None
        if born is not None and born != citizen.birth_date:
            raise RowProblem("birth_date", "The birth date is not that of the identity number.")
        if sex not in ("unknown", citizen.sex):
            raise RowProblem("sex", "The sex is not that of the identity number.")
        return kind, citizen.number, citizen.birth_date, citizen.sex
    try:
        number = canonical_number(kind, person.document_number)
    except ValueError:
        raise RowProblem("document_number", "This is not the number of such a document.") from None
    if kind is not DocumentKind.SYNTHETIC and number.startswith(SYNTHETIC_DOCUMENT.rstrip("-")):
        raise RowProblem("document_number", "Numbers beginning with SYN belong to synthetic people.")
    return kind, number, born, sex


def check_person(person: NewPerson, *, today: date, demo: bool) -> CheckedPerson:
    """The canonical form of a row, or RowProblem.

    `today` is the local day; `demo` says whether synthetic people are allowed. Synthetic people must look it
    (name, number, phone), and nobody else may.
    """
    source_id = person.source_id.strip()
    if not source_id or len(source_id) > 120:
        raise RowProblem("source_id", "A person needs an id of its source.")
    if source_id.startswith(("P", "p")):
        try:
            parse_person_code(source_id)
        except ValueError:
            pass
        else:
            raise RowProblem("source_id", "An id of a source cannot look like a person's code here.")
    kind, number, born, sex = _document(person, demo)
    name = _shown(person.name, "name", _NAME_LENGTH)
    if not name and kind is not DocumentKind.NONE:
        raise RowProblem("name", "A person with a document has a name.")
    phone = ""
    if person.phone.strip():
        try:
            phone = parse_phone(person.phone)
        except ValueError:
            raise RowProblem("phone", "This is not a phone number.") from None
    synthetic = kind is DocumentKind.SYNTHETIC
    if name.startswith(SYNTHETIC_NAME) != synthetic:
        raise RowProblem("name", "Synthetic people, and only they, have names beginning with 演示·.")
    if synthetic and phone and not phone.startswith(SYNTHETIC_PHONE):
        raise RowProblem("phone", "Phone numbers of synthetic people begin with 000.")
    if born is not None and (born > today or today.year - born.year > 130):
        raise RowProblem("birth_date", "Nobody living was born on this day.")
    identity = Identity(
        name=name,
        document_kind=kind,
        document_number=number,
        birth_date=born,
        phone=phone,
        address=_shown(person.address, "address", _ADDRESS_LENGTH),
    )
    return CheckedPerson(source_id, identity, sex, born.year if born else None, person.household.strip())
