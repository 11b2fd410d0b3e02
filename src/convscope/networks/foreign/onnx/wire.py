"""How much a file of protocol buffers will take in memory: counted before anything is made of it.

An empty message takes 2 bytes in a file, and 75 to 100 times as many once it is unpacked, so that a small file could
take all memory. The fields of a file are counted here first, on the bytes as they are.
"""

from typing import Any

from convscope.core.errors import ModelFileError

MOST_FIELDS = 1_000_000
_DAMAGED = "It is damaged, or no ONNX file."


def check_fields(data: bytes, message: Any) -> None:
    """Check that `data` is a whole message of a bounded number of fields.

    Args:
        data: content of a file.
        message: its descriptor, as protocol buffers have it.

    Raises:
        ModelFileError: a field is cut off, or there are more than `MOST_FIELDS`.

    Examples:
        >>> import onnx
        >>> check_fields(onnx.ModelProto(ir_version=8).SerializeToString(), onnx.ModelProto.DESCRIPTOR)
        >>> check_fields(bytes([0x3A, 200]), onnx.ModelProto.DESCRIPTOR)
        Traceback (most recent call last):
            ...
        convscope.core.errors.ModelFileError: It is damaged, or no ONNX file.
    """
    waiting = [(0, len(data), _messages_in(message))]
    known: dict[str, dict[int, Any]] = {}
    count = 0
    while waiting:
        place, end, messages = waiting.pop()
        while place < end:
            count += 1
            if count > MOST_FIELDS:
                raise ModelFileError(f"It must have at most {MOST_FIELDS:,} fields. Got more.")
            key, place = _varint(data, place, end)
            start, place = _skipped(data, place, end, key & 7)
            inner = messages.get(key >> 3)
            if inner is not None and key & 7 == 2:
                if inner.full_name not in known:
                    known[inner.full_name] = _messages_in(inner)
                waiting.append((start, place, known[inner.full_name]))


def _messages_in(message: Any) -> dict[int, Any]:
    """Return the descriptors of the fields that are messages themselves, by their number."""
    return {field.number: field.message_type for field in message.fields if field.message_type is not None}


def _varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ModelFileError(_DAMAGED)


def _skipped(data: bytes, place: int, end: int, kind: int) -> tuple[int, int]:
    """Return where the content of a field begins and ends."""
    if kind == 0:
        start, stop = place, _varint(data, place, end)[1]
    elif kind in (1, 5):
        start, stop = place, place + (8 if kind == 1 else 4)
    elif kind == 2:
        length, start = _varint(data, place, end)
        stop = start + length
    else:
        raise ModelFileError(_DAMAGED)
    if stop > end:
        raise ModelFileError(_DAMAGED)
    return start, stop
