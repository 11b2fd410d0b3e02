"""Model files that are broken, foreign or hostile, made from a good one; the sentence that each is refused with."""

import io
import json
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from convscope.networks import model_file

Header = dict[str, Any]
Made = tuple[bytes, str]
DIGEST = re.compile(r', "digest": "[0-9a-f]*"\}$')
_LONG = "x" * 2_000


def split(good: bytes) -> tuple[Header, bytes]:
    """Return the header and the data of a safetensors file."""
    length = int.from_bytes(good[:8], "little")
    return json.loads(good[8 : 8 + length]), good[8 + length :]


def joined(header: Header | str, data: bytes) -> bytes:
    """Return the file with this header and these data."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_document(good: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return the file with a document changed by someone who also computes the digest."""
    header, data = split(good)
    document = json.loads(header["__metadata__"]["convscope"])
    changed = change(document)
    return resigned(header, data, json.dumps(document if changed is None else changed))


def resigned(header: Header, data: bytes, text: str) -> bytes:
    """Return the file with the document `text` and its right digest."""
    header["__metadata__"]["convscope"] = text
    return resign(joined(header, data))


def resign(file: bytes) -> bytes:
    """Return the file with the digest that it should have, as far as its tensors can be read."""
    header, data = split(file)
    kinds = {"F32": torch.float32, "I64": torch.int64, "F64": torch.float64}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry.get("dtype") not in kinds:
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[begin:end]) or bytearray(8), dtype=kinds[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"]) if entry["shape"] or len(flat) == 1 else flat
    text, ending = header["__metadata__"]["convscope"], model_file._ending
    if (found := DIGEST.search(text)) is not None:
        body = text[: found.start()]
        header["__metadata__"]["convscope"] = body + ending(model_file.content_digest(body, tensors))
    return joined(header, data)


def with_header(good: bytes, change: Callable[[Header], None]) -> bytes:
    """Return the file with a changed header."""
    header, data = split(good)
    change(header)
    return joined(header, data)


def with_value(good: bytes, name: str, value: float) -> bytes:
    """Return the file with another first number in a tensor, and the right digest."""
    header, data = split(good)
    begin = header[name]["data_offsets"][0]
    return resign(joined(header, data[:begin] + struct.pack("<f", value) + data[begin + 4 :]))


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document[name] = value

    return change


def _image() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def _archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
    return stream.getvalue()


def _renamed(header: Header) -> None:
    header["other"] = header.pop("classifier.weight")


def _overlap(header: Header) -> None:
    header["mean"]["data_offsets"] = header["std"]["data_offsets"]


def _gap(header: Header) -> None:
    del header["mean"]


def _entry(**changes: Any) -> Callable[[Header], None]:
    return lambda header: header["mean"].update(changes)


def _half(header: Header) -> None:
    header["mean"].update(dtype="F16", shape=[6])


def _one_class_less(document: dict[str, Any]) -> None:
    document["classes"].pop()


def foreign_files(good: bytes) -> dict[str, Made]:
    """Return files of other programs."""
    from safetensors.numpy import save

    return {
        "empty": (b"", "it is empty"),
        "one byte": (b"{", "does not begin like a safetensors file"),
        "text": (b"hello, this is no model\n" * 9, "does not begin like a safetensors file"),
        "zeros": (bytes(1000), "does not begin like a safetensors file"),
        "image": (_image(), "it is a PNG image"),
        "photo": (b"\xff\xd8\xff\xe0" + bytes(99), "it is a JPEG image"),
        "torch": (_archive(), "a zip archive, as PyTorch"),
        "pickle": (pickle.dumps({"a": 1}, protocol=4), "a Python pickle"),
        "old torch": (pickle.dumps({"a": 1}, protocol=2), "a Python pickle"),
        "keras": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
        "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS"),
        "other safetensors": (save({"a": np.zeros(3, np.float32)}), "was not written by convscope"),
        "other metadata": (save({"a": np.zeros(3)}, metadata={"format": "pt"}), "was not written by convscope"),
        "named convscope": (save({}, metadata={"convscope": "{}"}), "does not say that convscope wrote it"),
        "cut at a half": (good[: len(good) // 2], "it is cut off"),
        "one byte short": (good[:-1], "it is cut off"),
        "one byte long": (good + b"x", "overlap or leave gaps"),
        "twice": (good + good, "overlap or leave gaps"),
    }


def hostile_headers(good: bytes) -> dict[str, Made]:
    """Return files whose header lies."""
    header, data = split(good)
    text = json.dumps(header)
    deep = '{"a":' + "[" * 200_000 + "]" * 200_000 + "}"
    many = "{" + ",".join(f'"{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(10_001)) + "}"
    return {
        "header of 2**63": (struct.pack("<Q", 2**63) + good[8:], "its header declares 9,223,372,036,854,775,808 bytes"),
        "header of 2**64-1": (b"\xff" * 8 + good[8:], "its header declares"),
        "header beyond the end": (struct.pack("<Q", len(good)) + good[8:], "it ends inside its header"),
        "header of 1": (struct.pack("<Q", 1) + good[8:], "does not begin like"),
        "header too short": (struct.pack("<Q", len(text) // 2) + good[8:], "its header is no valid JSON"),
        "same tensor twice": (joined(text[:-1] + ', "mean": 3}', data), "its header is no valid JSON"),
        "deep": (joined(deep, data), "its header is no valid JSON"),
        "not a number": (joined('{"a": NaN}', b""), "its header is no valid JSON"),
        "infinite": (joined('{"a": 1e999}', b""), "its header is no valid JSON"),
        "long number": (joined('{"a": ' + "9" * 10_000 + "}", b""), "its header is no valid JSON"),
        "no UTF-8": (good[:10] + b"\xff\xff" + good[12:], "its header is no valid JSON"),
        "many tensors": (joined(many, b""), "it declares 10,001 tensors"),
        "metadata a list": (with_header(good, _set("__metadata__", [])), "its metadata are not texts"),
        "metadata numbers": (with_header(good, _set("__metadata__", {"a": 1})), "its metadata are not texts"),
        "entry a number": (with_header(good, _set("mean", 3)), "'mean' is not described by"),
        "unknown type": (with_header(good, _entry(dtype="F\x1b[31m8")), r"unknown type 'F\\x1b\[31m8'"),
        "control characters": (with_header(good, _set("a\x1b[2J\n", {})), r"the tensor 'a\\x1b\[2J\\n' is not"),
        "shape negative": (with_header(good, _entry(shape=[-3])), "invalid shape"),
        "shape true": (with_header(good, _entry(shape=[True])), "invalid shape"),
        "shape fractional": (with_header(good, _entry(shape=[3.0])), "invalid shape"),
        "many axes": (with_header(good, _entry(shape=[1] * 100 + [3])), "invalid shape"),
        "shape of 2**62": (with_header(good, _entry(shape=[2**62])), "another number of bytes than its shape"),
        "shape that wraps": (with_header(good, _entry(shape=[2**32, 2**32, 3])), "another number of bytes"),
        "offsets backwards": (with_header(good, _entry(data_offsets=[12, 0])), "another number of bytes"),
        "offsets of 2**70": (with_header(good, _entry(data_offsets=[2**70, 2**70 + 12])), "invalid shape"),
        "offsets beyond": (with_header(good, _entry(data_offsets=[2**40, 2**40 + 12])), "it is cut off"),
        "overlap": (with_header(good, _overlap), "overlap or leave gaps"),
        "gap": (with_header(good, _gap), "overlap or leave gaps"),
        "other name": (with_header(good, _renamed), "its tensors are not those of the layout 4C3-MP2-6N"),
        "other type": (with_header(good, _half), "its tensors are not those of the layout"),
    }


def hostile_documents(good: bytes) -> dict[str, Made]:
    """Return files whose document asks for what cannot be, made by someone who knows the format."""
    header, data = split(good)
    text = header["__metadata__"]["convscope"]
    huge = "-".join(["60000C3"] * 3)
    documents: dict[str, tuple[Any, str]] = {
        "other format": (_set("format", "x"), "does not say that convscope wrote it"),
        "no object": (lambda _: [1], "does not say that convscope wrote it"),
        "newer": (_set("format_version", 2), r"written by convscope .*newer than this one.*pip install -U convscope"),
        "version true": (_set("format_version", True), "its format version is not 1"),
        "version 0": (_set("format_version", 0), "its format version is not 1"),
        "no version": (lambda document: {"format": "convscope"}, "its format version is not 1"),
        "unknown field": (_set("extra", 1), "its document is not valid .*'extra'"),
        "layout a number": (_set("layout", 5), "its document is not valid"),
        "layout empty": (_set("layout", ""), "its layout cannot be built"),
        "layout unknown": (_set("layout", "4C3-os.system"), "its layout cannot be built .*A stage must be like"),
        "layout long": (_set("layout", "4C3-" * 100_000), "its layout cannot be built .*at most 4,000 characters"),
        "layout of 10**9 parameters": (_set("layout", huge), "its layout cannot be built .*must have at most"),
        "layout of 4 GiB": (_set("layout", "16000N-16000N-16000N"), "its tensors are not those of the layout"),
        "layout that does not fit": (_set("layout", "4C30v"), "its layout cannot be built .*does not fit"),
        "other layout": (_set("layout", "5C3-MP2-6N"), "its tensors are not those of the layout 5C3-MP2-6N"),
        "no classes": (_set("classes", []), "its layout cannot be built"),
        "class too few": (_one_class_less, "its tensors are not those of the layout"),
        "100,000 classes": (_set("classes", [str(n) for n in range(100_000)]), "its layout cannot be built"),
        "classes alike": (_set("classes", ["a", "b", "a"]), "two of its classes have the same name"),
        "class nameless": (_set("classes", ["a", "b", ""]), "has not 1 to 1,000 characters"),
        "class of 2,000 characters": (_set("classes", ["a", "b", _LONG]), "has not 1 to 1,000 characters"),
        "class with controls": (_set("classes", ["a", "b", "\x1b[2J"]), "a name in it holds control characters"),
        "class a number": (_set("classes", ["a", "b", 3]), "its document is not valid"),
        "version with controls": (_set("library_version", "1\n2"), "a name in it holds control characters"),
        "side of 10**9": (_preprocessing(height=10**9), "its document is not valid .*`height` must be"),
        "side true": (_preprocessing(height=True), "its document is not valid"),
        "five channels": (_preprocessing(channels=5), "its document is not valid .*`channels` must be"),
        "fit unknown": (_preprocessing(fit="x"), "its document is not valid"),
        "fit a list": (_preprocessing(fit=[]), "its document is not valid"),
        "background beyond 255": (_preprocessing(background=[1, 2, 300]), "its document is not valid"),
        "training a list": (_set("training", []), "its document is not valid"),
        "other classes, unsigned": (None, "its contents are not what was written"),
    }
    made = {name: (with_document(good, change), reason) for name, (change, reason) in documents.items() if change}
    damaged, lengthy = {**header}, {**header}
    damaged["__metadata__"] = header["__metadata__"] | {"convscope": text.replace("class 0", "class 9")}
    lengthy["__metadata__"] = header["__metadata__"] | {"convscope": '{"a":' * 100_000}
    nan = {**header, "__metadata__": header["__metadata__"] | {"convscope": text.replace("1.5", "NaN")}}
    twice = {**header, "__metadata__": header["__metadata__"] | {"convscope": text[:-1] + ', "format": "convscope"}'}}
    bare = DIGEST.sub("", text) + "}"
    unsigned = {**header, "__metadata__": {"convscope": bare}}
    elsewhere = {**header, "__metadata__": {"convscope": '{"digest": "' + "0" * 32 + '", ' + bare[1:]}}
    return made | {
        "other classes, unsigned": (joined(damaged, data), "its contents are not what was written"),
        "document deep": (joined(lengthy, data), "its document is no valid JSON"),
        "document with NaN": (joined(nan, data), "its document is no valid JSON"),
        "document with a key twice": (joined(twice, data), "its document is no valid JSON"),
        "weight NaN": (with_value(good, "classifier.weight", float("nan")), "holds values that are not finite"),
        "mean infinite": (with_value(good, "mean", float("inf")), "'mean' holds values that are not finite"),
        "deviation 0": (with_value(good, "std", 0.0), "its deviation of the pixels is not above 0"),
        "deviation -1": (with_value(good, "std", -1.0), "its deviation of the pixels is not above 0"),
        "variance -1": (with_value(good, "stages.0.normalization.running_var", -1.0), "holds a negative variance"),
        "no digest": (joined(unsigned, data), "not what was written"),
        "digest elsewhere": (joined(elsewhere, data), "not what was written"),
    }


def _preprocessing(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["preprocessing"].update(changes)


def hostile_exemplars(good: bytes) -> dict[str, Made]:
    """Return files made from one whose classifier keeps 12 images, of 3 classes, and asks 5 of them."""

    def kept(**changes: Any) -> Callable[[dict[str, Any]], None]:
        return lambda document: document["exemplars"].update(changes)

    documents: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
        "one more": (kept(kept=13), "its tensors are not those of the layout"),
        "10**7 of them": (kept(kept=10**7), "its tensors are not those of the layout"),
        "10**12 of them": (kept(kept=10**12), "its document is not valid .*`kept` must be from 1 to 10,000,000"),
        "none": (kept(kept=0), "its document is not valid .*`kept` must be"),
        "true": (kept(kept=True), "its document is not valid"),
        "as another kind": (kept(kind="kernel", neighbors=0), "its tensors are not those of the layout"),
        "of no kind": (kept(kind="pickle"), "its document is not valid .*must be one of"),
        "13 neighbors of 12": (kept(neighbors=13), "its document is not valid .*`neighbors` must be from 1 to 12"),
        "no neighbors": (kept(neighbors=0), "its document is not valid .*`neighbors` must be from 1"),
        "a list": (_set("exemplars", [1]), "its document is not valid"),
        "forgotten": (_set("exemplars", None), "its tensors are not those of the layout"),
    }
    made = {name: (with_document(good, change), reason) for name, (change, reason) in documents.items()}
    for name, value, reason in (
        ("classifier.kept", float("nan"), "holds values that are not finite"),
        ("classifier.scale", 0.0, "its scale of the features is not above 0"),
    ):
        made[f"{name} {value}"] = (with_value(good, name, value), reason)
    for label in (-1, 3, 2**62):
        made[f"label {label}"] = (_with_label(good, label), "an image that its classifier keeps is of no class")
    return made


def _with_label(good: bytes, label: int) -> bytes:
    header, data = split(good)
    begin = header["classifier.labels"]["data_offsets"][0]
    return resign(joined(header, data[:begin] + struct.pack("<q", label) + data[begin + 8 :]))
