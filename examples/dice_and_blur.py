"""The sum of two dice and a blurred image are the same operation.

Run: python examples/dice_and_blur.py
"""

import numpy as np

from convscope.layers import convolve


def bars(values: np.ndarray) -> str:
    """Return the values as bars of text, one per line."""
    return "\n".join(f"  {value:6.3f} " + "#" * round(value * 60 / values.max()) for value in values)


def main() -> None:
    """Convolve a die with a die, then an image with a spot, with the same function."""
    die = np.full(6, 1 / 6)
    total = convolve(die, die, flip=True, edge="full")
    print("Probabilities of the sums 2 … 12 of two dice: those of one die, spread by those of the other.")
    print(bars(total))
    counted = np.bincount([one + other for one in range(6) for other in range(6)]) / 36
    print(f"Counting all 36 throws gives the same, to {np.abs(total - counted).max():.0e}.")

    image = np.zeros(21)
    image[[4, 5, 6, 14]] = 1.0  # one row of an image: a wide and a narrow light
    spot = np.array([1, 4, 6, 4, 1]) / 16  # what a single bright pixel becomes
    print("A row of an image, blurred: each pixel, spread by the spot.")
    print(bars(convolve(spot, image, flip=True, edge="full")))

    edge = np.array([-1, 0, 1])
    print("Flipped or not (convolution, cross-correlation) matters for an asymmetric unit:")
    print("  flipped    ", convolve(edge, image, flip=True).astype(int).tolist())
    print("  not flipped", convolve(edge, image).astype(int).tolist())
    print("A network learns its weights, so it would learn them flipped: networks omit the flip.")


if __name__ == "__main__":
    main()
