"""Files in a folder that look like images but are not listed as such, with the reason for each."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from convscope.core.text import counted, printable
from convscope.images.decoding.damage import image_format
from convscope.images.decoding.decoder import EXTENSIONS

from .files import first_bytes
from .naming import extension, is_other
from .tree import Folder

_FORMATS = {
    "HEIC": ".heic .heif .hif .heics .heifs",
    "AVIF": ".avif .avifs",
    "JPEG XL": ".jxl",
    "JPEG XR": ".jxr .wdp .hdp",
    "JPEG 2000": ".jp2 .j2k .j2c .jpf .jpx .jpm .jpc .jph .jhc",
    "raw": ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mdc .mef .mos .mrw .nef .nrw .orf .pef "
    ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f",
    "Photoshop": ".psd .psb",
    "icon": ".ico .icns .cur",
    "Targa": ".tga .icb .vda .vst",
    "OpenEXR": ".exr",
    "Radiance HDR": ".hdr .pic",
    "DICOM": ".dcm .dicom .ima",
    "NIfTI": ".nii",
    "microscope": ".czi .lif .nd2 .oib .oif .lsm .vsi .svs .ndpi .scn .mrxs .bif",
    "FITS": ".fits .fit .fts",
    "QOI": ".qoi",
    "BPG": ".bpg",
    "FLIF": ".flif",
    "DirectDraw": ".dds",
    "PCX": ".pcx .dcx",
    "SGI": ".sgi .rgb .rgba .bw",
    "Sun raster": ".ras .sun",
    "X11": ".xbm .xpm .xwd",
    "SVG": ".svg .svgz",
    "PAM": ".pam",
    "GIMP": ".xcf",
    "metafile": ".emf .wmf",
    "EPS": ".eps .epsf",
}
"""Unsupported image formats, with the extensions of their files."""

FOREIGN = {end: name for name, ends in _FORMATS.items() for end in ends.split()}

_IMAGE_WITHIN = re.compile(r"\. ?(jpe?g|jpe|jfif|png|webp|tiff?|bmp|gif|p[gpbn]m)(?![a-z0-9])", re.IGNORECASE)
_IMAGE_BEGUN = re.compile(r"\.(jpeg|jpg|png|webp)[a-z]+$", re.IGNORECASE)  # .jpglarge
_READ = {"JPEG", "PNG", "TIFF", "GIF", "WebP", "BMP", "PPM"}
_START = 132  # bytes; DICOM has its signature at 128


def foreign_reason(path: str, name: str) -> str:
    """Return why the file `name` at `path` is not listed as an image although it looks like one; "" if it does not.

    Examples:
        >>> foreign_reason("", "1.heic"), foreign_reason("", "notes.txt")
        ('it is an image in an unsupported format: HEIC', '')
    """
    end = extension(name)
    if end in FOREIGN:
        return f"it is an image in an unsupported format: {FOREIGN[end]}"
    if is_other(name) or end in EXTENSIONS:  # the latter is a pipe: a file would be listed
        return ""
    kind = image_format(first_bytes(path, _START) or b"")
    if not kind and not (_IMAGE_WITHIN.search(name) or _IMAGE_BEGUN.search(name)):
        return ""
    if not kind:
        return f"{printable(end)} is not an image extension"
    if kind not in _READ:
        return f"it is an image in an unsupported format: {kind}"
    named = f"{printable(end)} is not an image extension" if end else "its name has no extension"
    return f"{named}; it is a {kind} file: rename it to end in .{kind.lower().replace('jpeg', 'jpg')}"


def foreign_files(root: str, folder: Folder) -> Iterator[tuple[str, str]]:
    """Give the files in and below `folder` that look like images but are not listed as such, with reasons."""
    for inner in folder.every():
        for name in inner.others:
            if reason := foreign_reason(os.path.join(root, inner.inside(name)), name):
                yield inner.inside(name), reason


def passed_over_note(passed_over: Iterable[tuple[str, str]]) -> list[str]:
    """Return a note that counts skipped files by extension; empty if there are none.

    Examples:
        >>> passed_over_note([("a/1.heic", ""), ("a/2.HEIC", ""), ("b/0.jpg_large", "")])
        ['3 files passed over (.heic 2, .jpg_large 1)']
    """
    counts = Counter(_kind(name) for name, _ in passed_over)
    if not counts:
        return []
    folders = counts.pop("/", 0)
    by_extension = [f"{printable(end)} {count:,}" for end, count in counts.most_common()]
    what = [counted(counts.total(), "file")] * bool(counts) + [counted(folders, "folder")] * bool(folders)
    listed = f" ({', '.join(by_extension)})" if by_extension else ""
    return [f"{' and '.join(what)} passed over{listed}"]


def _kind(name: str) -> str:
    return "/" if name.endswith("/") else extension(name.rpartition("/")[2]) or "without extension"
