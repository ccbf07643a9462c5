"""From the bytes of a form to its fields.

A part is read by the name of its field, never by whether it has a file name: many senders leave that out, or write it
in a way that forms do not know (`filename*`), and a photo that was read as text is damaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from objectcut.errors import CutError, wrong_field
from objectcut.request.picturefield import PICTURES, check_length, unescaped

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST = 40  # fields; there are about 20 to choose from
_TOO_MANY = f"it has more than {_MOST} fields"
_LISTS = ("objects", "pick", "box", "point", "roi")
_LONGEST_NAME = 300  # bytes, escaped; the longest name of a field has 16 characters


def multipart(body: bytes, content_type: str) -> dict[str, bytes]:
    """Return the fields of a multipart form (RFC 7578), as `_joined`. Without a boundary in the type, line 1 has it.

    Raises:
        CutError: `invalid_request`.
    """
    options = parse_options_header(content_type)[1]
    first_line = body.lstrip().partition(b"\n")[0].strip()
    boundary = options.get(b"boundary") or first_line.removeprefix(b"--")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
    except FormParserError as error:
        raise _broken(str(error)) from None
    if not parts.whole:
        raise _broken("it ends before its last boundary")
    return _joined(parts.fields)


def urlencoded(body: bytes) -> dict[str, bytes]:
    """Return the fields of a form in the way of a query string, as `_joined`.

    Raises:
        CutError: `invalid_request`.
    """
    if body.count(b"&") >= _MOST:
        raise _broken(_TOO_MANY)
    return _joined(_pairs(body))


def query(text: bytes) -> dict[str, str]:
    """Return the parameters of a query string, as `_joined`.

    Raises:
        CutError: `invalid_request`.
    """
    if text.count(b"&") >= _MOST:
        raise CutError("invalid_request", f"The query string has more than {_MOST} parameters.")
    return {name: value.decode("utf-8", "replace") for name, value in _joined(_pairs(text)).items()}


class _Parts:
    """What the parser finds: the fields in the order in which they came, and whether the form has an end."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, bytes]] = []
        self.whole = False
        self._header, self._value, self._disposition, self._data = bytearray(), bytearray(), b"", bytearray()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._end_form,
        }

    def _begin(self) -> None:
        self._disposition, self._data = b"", bytearray()
        if len(self.fields) == _MOST:
            raise FormParserError(_TOO_MANY)

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _end(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name")
        if name is None:
            raise FormParserError("a part of it has no name")
        self.fields.append((name.decode("utf-8", "replace"), bytes(self._data)))

    def _end_form(self) -> None:
        self.whole = True


def _pairs(text: bytes) -> list[tuple[str, bytes]]:
    fields = []
    for escaped, _, value in [pair.partition(b"=") for pair in text.strip().split(b"&") if pair]:
        name = _unquoted(escaped[:_LONGEST_NAME]).decode("utf-8", "replace")
        check_length(name, value)
        fields.append((name, unescaped(value.replace(b"+", b" "), name) if name in PICTURES else _unquoted(value)))
    return fields


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _joined(fields: list[tuple[str, bytes]]) -> dict[str, bytes]:
    """Name to value; a list that was sent several times has commas between.

    Raises:
        CutError: `invalid_request` for anything else that was sent several times.
    """
    values: dict[str, list[bytes]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    for name, several in values.items():
        if len(several) > 1 and name not in _LISTS:
            raise wrong_field(name[:100], f"was sent {len(several)} times")
    return {name: b",".join(several) for name, several in values.items()}


def _broken(problem: str) -> CutError:
    return CutError(
        "invalid_request",
        f"The form cannot be read: {problem.rstrip('.')}. Send multipart/form-data with one image_file.",
    )
