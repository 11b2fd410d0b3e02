"""Numbers and names in words, as the report writes them."""


def percent(value: float | None, total: int | None = None) -> str:
    """Return a part of one in per cent; with `total`, as many decimals as that many images justify.

    What is not quite everything never reads as 100 %, what is not quite nothing never as 0 %.

    Examples:
        >>> percent(0.98888, 360), percent(0.99412, 10_000), percent(1.0, 50), percent(None)
        ('98.9 %', '99.41 %', '100 %', '–')
        >>> percent(0.99999, 360), percent(0.00001, 360)
        ('>99.9 %', '<0.1 %')
    """
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{value * 100:.0f} %"
    decimals = 2 if total is not None and total >= 1000 else 1
    text = f"{value * 100:.{decimals}f}"
    if float(text) == 100:
        return f">{100 - 10**-decimals:.{decimals}f} %"
    if float(text) == 0:
        return f"<{10**-decimals:.{decimals}f} %"
    return f"{text} %"


def large(number: int) -> str:
    """Return a whole number with separators and, from a million on, its size in words.

    Examples:
        >>> large(431_080), large(2_293_000)
        ('431,080', '2.3 million')
    """
    for size, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.1f} {word}"
    return f"{number:,}"
