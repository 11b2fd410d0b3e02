"""The peer "JAX": a function of the weights, its gradient, Adam by hand, compiled as a whole."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from protocol import Description, description, folded, random_images, serve

Weights = list[Any]


def initial(given: Description) -> Weights:
    """Return random weights in the shapes that the npz of prediction has; units C k k and units inputs."""
    rng = np.random.default_rng(0)
    return [
        (
            jnp.asarray(rng.standard_normal(weights.shape, np.float32) * np.sqrt(2 / weights[0].size)),
            jnp.zeros_like(biases),
        )
        for weights, biases in folded(given)
    ]


def normalized(maps: jax.Array) -> jax.Array:
    """Return maps with mean 0 and deviation 1 over the batch."""
    axes = tuple(range(maps.ndim - 1))
    return (maps - maps.mean(axes)) * lax.rsqrt(maps.var(axes) + 1e-5)


def scores(weights: Weights, maps: jax.Array, given: Description, *, normalize: bool) -> jax.Array:
    """Return the scores of images N H W C."""
    remaining = iter(weights)
    for stage in given["stages"]:
        if stage["kind"] == "max":
            window = maps.shape[1:3] if stage["window"] is None else (stage["window"],) * 2
            maps = lax.reduce_window(maps, -jnp.inf, lax.max, (1, *window, 1), (1, *window, 1), "VALID")
            continue
        weight, bias = next(remaining)
        if stage["kind"] == "convolution":
            below = maps
            half, stride = stage["patch"] // 2, stage["stride"]
            maps = lax.conv_general_dilated(
                maps, weight, (stride, stride), [(half, half)] * 2, dimension_numbers=("NHWC", "OIHW", "NHWC")
            )
        else:
            below = None
            maps = flat(maps) @ weight.T
        maps = (normalized(maps) if normalize else maps) + bias
        maps = maps + below if stage.get("residual") else maps
        maps = jax.nn.relu(maps)
    weight, bias = next(remaining)
    return flat(maps) @ weight.T + bias


def flat(maps: jax.Array) -> jax.Array:
    """Return N × values, in the order C H W."""
    return maps.transpose(0, 3, 1, 2).reshape(len(maps), -1) if maps.ndim == 4 else maps


def main() -> None:
    """Train or predict, for as long as asked."""
    given = description()
    images, labels = random_images(given)
    maps, truth = jnp.asarray(images), jnp.asarray(labels)
    if given["mode"] == "predict":
        fixed = [(jnp.asarray(weights), jnp.asarray(biases)) for weights, biases in folded(given)]
        predict = jax.jit(lambda maps: jax.nn.softmax(scores(fixed, maps, given, normalize=False)))
        serve(lambda: predict(maps).block_until_ready(), given, lambda: np.asarray(predict(maps)))
        return

    def loss(weights: Weights) -> jax.Array:
        logits = jax.nn.log_softmax(scores(weights, maps, given, normalize=given["normalize"]))
        return -jnp.take_along_axis(logits, truth[:, None], axis=1).mean()

    @jax.jit
    def advance(weights: Weights, means: Weights, squares: Weights, number: jax.Array) -> tuple[Any, ...]:
        value, gradient = jax.value_and_grad(loss)(weights)
        means = jax.tree.map(lambda mean, slope: 0.9 * mean + 0.1 * slope, means, gradient)
        squares = jax.tree.map(lambda square, slope: 0.999 * square + 0.001 * slope**2, squares, gradient)
        weights = jax.tree.map(
            lambda weight, mean, square: weight
            - 1e-3 * mean / (1 - 0.9**number) / (jnp.sqrt(square / (1 - 0.999**number)) + 1e-8),
            weights, means, squares,
        )  # fmt: skip
        return value, weights, means, squares

    weights = initial(given)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = [weights, zeros, zeros, 0]

    def step() -> float:
        state[3] += 1
        value, *state[:3] = advance(state[0], state[1], state[2], jnp.float32(state[3]))
        return float(value)

    serve(step, given)


if __name__ == "__main__":
    main()
