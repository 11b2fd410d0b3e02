"""What all registered kinds of a layer have in common: the texts that describe them."""

from convscope.core.errors import ParameterError


def check_described(kind: object, *fields: str) -> None:
    """Validate that the texts in `fields` of a registered kind are not empty.

    Raises:
        ParameterError: one is empty.
    """
    for name in fields:
        text = getattr(kind, name)
        if not isinstance(text, str) or not text.strip():
            raise ParameterError(f"`{name}` must be a text that is not empty. Got {text!r} ({type(kind).__name__}).")
