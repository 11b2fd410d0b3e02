"""The sum of two dice and a blurred image are the same operation.

Run: python examples/dice_and_blur.py
"""

import numpy as np

from convscope.layers import convolve


def bars(values: np.ndarray) -> str:
    """Return the values as bars of text, one a line."""
    return "\n".join(f"  {value:6.3f} " + "#" * round(value * 60 / values.max()) for value in values)


def main() -> None:
    """Convolve a die with a die, then an image with a spot, by the same function."""
    die = np.full(6, 1 / 6)
    total = convolve(die, die, flip=True, edge="full")
    print("Chances of the sums 2 … 12 of two dice: each chance of one die, spread out by the chances of the other.")
    print(bars(total))
    counted = np.bincount([one + other for one in range(6) for other in range(6)]) / 36
    print(f"Counting all 36 throws gives the same, to {np.abs(total - counted).max():.0e}.")

    image = np.zeros(21)
    image[[4, 5, 6, 14]] = 1.0  # one row of an image: a broad light and a narrow one
    spot = np.array([1, 4, 6, 4, 1]) / 16  # what a single bright pixel becomes
    print("A row of an image, blurred: each pixel, spread out by the spot.")
    print(bars(convolve(spot, image, flip=True, edge="full")))

    edge = np.array([-1, 0, 1])
    print("Turned round or not (convolution, cross-correlation) matters for a unit that is not symmetric:")
    print("  flipped    ", convolve(edge, image, flip=True).astype(int).tolist())
    print("  as it lies ", convolve(edge, image).astype(int).tolist())
    print("A network learns its weights, so it would learn them turned round: there the flip is left out.")


if __name__ == "__main__":
    main()
