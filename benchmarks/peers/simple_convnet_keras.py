"""What Keras's "simple convnet" example does, on Fashion-MNIST: its network, batch, epochs and validation tenth."""

import json
import os
import sys
import time
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

import keras
from idx_files import read

started = time.perf_counter()
(images, labels), (test_images, test_labels) = read(Path(sys.argv[1]) / "fashion-mnist")
layers = keras.layers
network = keras.Sequential([
    layers.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
])  # fmt: skip
network.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
network.fit(
    images[..., None].astype("float32") / 255, labels, batch_size=128, epochs=15, validation_split=0.1, verbose=0
)
_, accuracy = network.evaluate(test_images[..., None].astype("float32") / 255, test_labels, verbose=0)
print(json.dumps({"accuracy": round(float(accuracy), 4), "seconds": round(time.perf_counter() - started, 2)}))
