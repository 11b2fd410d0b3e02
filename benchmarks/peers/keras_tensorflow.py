"""The peer "Keras": its functional interface on TensorFlow, compiled as Keras does unless told otherwise."""

import os

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

import keras
import tensorflow
from protocol import Description, description, folded, random_images, serve


def network(given: Description, *, normalize: bool) -> keras.Model:
    """Return the network: convolution, normalization, ReLU, max, in this order."""
    layers = keras.layers
    image = maps = layers.Input((given["height"], given["width"], given["channels"]))
    for stage in given["stages"]:
        if stage["kind"] == "convolution":
            below = maps
            maps = layers.Conv2D(
                stage["units"], stage["patch"], strides=stage["stride"], padding="same", use_bias=not normalize
            )(maps)
            maps = layers.BatchNormalization()(maps) if normalize else maps
            maps = layers.Add()([maps, below]) if stage["residual"] else maps
            maps = layers.ReLU()(maps)
        elif stage["kind"] == "max":
            whole = stage["window"] is None
            maps = (layers.GlobalMaxPooling2D() if whole else layers.MaxPooling2D(stage["window"]))(maps)
        else:
            maps = layers.Flatten()(maps) if len(maps.shape) > 2 else maps
            maps = layers.Dense(stage["units"], use_bias=not normalize)(maps)
            maps = layers.BatchNormalization()(maps) if normalize else maps
            maps = layers.ReLU()(maps)
    maps = layers.Flatten()(maps) if len(maps.shape) > 2 else maps
    return keras.Model(image, layers.Dense(given["classes"], activation="softmax")(maps))


def load(learner: keras.Model, given: Description) -> None:
    """Put in the weights that everybody predicts with, in the orders that Keras wants."""
    weighted = [layer for layer in learner.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))]
    for layer, (weights, biases) in zip(weighted, folded(given), strict=True):
        wanted = layer.get_weights()[0].shape
        if weights.ndim == 4:
            layer.set_weights([weights.transpose(2, 3, 1, 0), biases])  # units C k k -> k k C units
            rows, columns, maps = layer.output.shape[1:]
        elif wanted[0] == rows * columns * maps:  # C H W -> H W C
            swapped = weights.reshape(-1, maps, rows, columns).transpose(2, 3, 1, 0).reshape(wanted)
            layer.set_weights([swapped, biases])
        else:
            layer.set_weights([weights.T, biases])
        if weights.ndim == 4:
            for follower in learner.layers[learner.layers.index(layer) + 1 :]:
                if isinstance(follower, (keras.layers.Conv2D, keras.layers.Dense)):
                    break
                if len(follower.output.shape) == 4:
                    rows, columns, maps = follower.output.shape[1:]
                elif isinstance(follower, keras.layers.GlobalMaxPooling2D):
                    rows, columns = 1, 1


def main() -> None:
    """Train or predict, for as long as asked."""
    given = description()
    tensorflow.config.threading.set_intra_op_parallelism_threads(given["threads"])
    keras.utils.set_random_seed(0)
    images, labels = random_images(given)
    maps, truth = tensorflow.constant(images), tensorflow.constant(labels)
    if given["mode"] == "predict":
        learner = network(given, normalize=False)
        load(learner, given)
        serve(lambda: learner.predict_on_batch(maps), given, lambda: learner.predict_on_batch(maps))
        return
    learner = network(given, normalize=given["normalize"])
    learner.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    serve(lambda: learner.train_on_batch(maps, truth), given)


if __name__ == "__main__":
    main()
