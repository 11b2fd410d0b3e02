"""What is not as it should be with an image that can be used, in a few words."""

from PIL import Image, ImageFile, TiffImagePlugin

from .libtiff_messages import first_message

DAMAGED, PARTLY_USED = "its decoder reported damage", "only the first "
"""How a remark of each kind begins."""

_SAMPLES, _DEPTH = 277, 32997


def remarks_on(complaints: list[str]) -> tuple[str, ...]:
    """Return the remark on what a decoder complained of.

    Examples:
        >>> remarks_on(["Fax4Decode: Bad code word at line 7"]), remarks_on([])
        (('its decoder reported damage: Bad code word at line 7',), ())
    """
    return (f"{DAMAGED}: {first_message(complaints)}",) if complaints else ()


def unused(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Return the remarks on what a TIFF has beyond the channels and the slice that Pillow reads; opened, not loaded."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return ()
    remarks = []
    read = Image.getmodebands(image.mode)
    for tag, used, noun in ((_SAMPLES, read, "channels"), (_DEPTH, 1, "slices")):
        number = image.tag_v2.get(tag, used)
        if isinstance(number, int) and number > used > 0:
            remarks.append(
                f"{PARTLY_USED}{f'{used} ' if used > 1 else ''}of {number:,} {noun} {'are' if used > 1 else 'is'} used"
            )
    return tuple(remarks)
