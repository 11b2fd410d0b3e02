"""Names of files and classes: their natural order, their extension, what counts as hidden, and which look alike."""

import re
import unicodedata
from collections.abc import Iterable

from convscope.core.text import counted

_DIGITS = re.compile(r"([0-9]+)")
_CLUTTER = frozenset(
    {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "#recycle", "system volume information"}
)
_OTHERS = (
    ".txt .md .rst .pdf .doc .docx .odt .rtf .csv .tsv .xls .xlsx .ods .json .jsonl .ndjson .xml .yaml .yml .toml .ini "
    ".cfg .conf .log .html .htm .css .js .py .ipynb .sh .bat .m .r .c .h .cpp .java .db .sqlite .pkl .pickle .npy .npz "
    ".mat .h5 .hdf5 .parquet .pq .feather .arrow .tfrecord .tfrecords .record .lmdb .mdb .pt .pth .ckpt .onnx "
    ".safetensors .zip .gz .tgz .tar .bz2 .xz .7z .rar .mp4 .mov .avi .mkv .webm .m4v .mpg .mpeg .wmv .mp3 .wav .flac "
    ".ogg .m4a .aac .exe .dll .so .iso .lnk .url .bak .md5 .sha1 .sha256 .aae .thm .xmp .pp3 .cache .lock "
    ".aux .ovr .meta .info .geojson .kml .jgw .tfw .pgw .prj"
)
_OTHER = frozenset(_OTHERS.split())
"""Extensions of files that are not images: they are not opened."""


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sorting key by which numbers inside names count as numbers; stable for all names.

    Examples:
        >>> sorted(["10", "9", "img2", "img10", "img1"], key=natural_key)
        ['9', '10', 'img1', 'img2', 'img10']
    """
    parts: list[str | int] = list(_DIGITS.split(name))  # text, digits, text, …: each meets only its own kind
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def extension(name: str) -> str:
    """Return the extension in lower case with its dot, "" where there is none; faster than ``os.path.splitext``.

    Examples:
        >>> [extension(name) for name in ("cat.JPG", "cat", ".hidden", "a.tar.gz")]
        ['.jpg', '', '', '.gz']
    """
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden or left behind by an operating system.

    Examples:
        >>> [is_clutter(name) for name in (".DS_Store", "Thumbs.db", "cat.jpg")]
        [True, True, False]
    """
    return name.startswith(".") or name.lower() in _CLUTTER


def is_other(name: str) -> bool:
    """Return whether a file has the extension of another kind than an image, such as text or video.

    Examples:
        >>> [is_other(name) for name in ("notes.txt", "cat.jpg", "cat.heic", "cat")]
        [True, False, False, False]
    """
    return extension(name) in _OTHER


_MOST = 5
# Lower-case letters of other scripts that look like Latin ones.
_TWINS = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u0501\u051b"
    "\u051d\u04bb\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0261\u0131\u0251\u0585",
    "abekmhopctyxsijdqwhabeikvoptuxgiao",
)


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    r"""Return the groups of names that look alike, in the order of `names`.

    They differ only in case, width, spaces, invisible marks, or letters of another script that look the same. Single
    letters in two cases are different names.

    Examples:
        >>> look_alikes(["Cat", "cat ", "dog", "dig", "c\u0430t", "A", "a"]) == [["Cat", "cat ", "c\u0430t"]]
        True
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_skeleton(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1 and not _letters(group)]


def look_alike_note(names: Iterable[str]) -> list[str]:
    """Return a note on names that look alike, if there are any."""
    groups = look_alikes(names)
    if not groups:
        return []
    listed = "; ".join(" and ".join(map(escaped, group)) for group in groups[:_MOST])
    more = f"; … and {counted(len(groups) - _MOST, 'group')} more" if len(groups) > _MOST else ""
    return [f"classes whose names look alike: {listed}{more}"]


def escaped(name: str) -> str:
    r"""Return a name in quotes, with every ambiguous character escaped.

    Examples:
        >>> print(escaped("cat "), escaped("c\u0430t"), escaped("größe"))
        'cat ' 'c\u0430t' 'größe'
    """
    return (
        "'"
        + "".join(
            character if character.isascii() or _skeleton(character) == character.casefold() else _code(character)
            for character in name
        )
        + "'"
    )


def _code(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _letters(group: list[str]) -> bool:
    """Return whether these are one letter in two cases."""
    return len({name.casefold() for name in group}) == 1 and all(len(name) == 1 for name in group)


def _skeleton(name: str) -> str:
    """Return the visible form of a name: equal for names that look alike."""
    text = "".join(character for character in unicodedata.normalize("NFKC", name) if not _invisible(character))
    folded = unicodedata.normalize("NFKC", text.casefold()).translate(_TWINS)
    return re.sub(r"\s+", " ", folded).strip()


def _invisible(character: str) -> bool:
    if "\ufe00" <= character <= "\ufe0f":  # a variation selector
        return True
    return unicodedata.category(character) in ("Cf", "Cc") and not character.isspace()
