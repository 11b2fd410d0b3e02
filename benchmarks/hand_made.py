"""How good hand-made features are, read by standard classifiers: the baselines of a learned network.

    python benchmarks/hand_made.py mnist fashion-mnist --kinds hog,lbp,pca --classifiers svm,lda --data-dir FOLDER

Scope: `convscope features KIND SET --classifiers NAMES` on the training and test pictures of the set, one run; the
seconds are of that run and this machine.
"""

import argparse
import os
import time
from pathlib import Path

from results_file import processor_share, write

from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import KINDS
from convscope.verbs.features import compare_classifiers, extract_features


def main() -> None:
    """Measure every kind with every classifier, print a table, write one result a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--kinds", default="hog", help=", ".join(KINDS))
    parser.add_argument("--classifiers", default="svm", help=", ".join(CLASSIFIERS))
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))
    given = parser.parse_args()
    for name in given.sets:
        rows = []
        for kind in given.kinds.split(","):
            share, started = processor_share(), time.perf_counter()
            found = extract_features(kind, name, data_dir=given.data_dir)
            seconds = time.perf_counter() - started
            for judged in compare_classifiers(found, given.classifiers.split(",")):
                rows.append(
                    {
                        "features": kind,
                        "values": found.vectors.shape[1],
                        "classifier": judged.name,
                        "accuracy": judged.accuracy,
                        "interval": list(judged.interval),
                        "pictures": judged.total,
                        "feature_seconds": round(seconds, 2),
                        "fit_seconds": round(judged.fit_seconds, 2),
                        "processor_share_before": share,
                    }
                )
                print(name, rows[-1], flush=True)
        print(write(f"hand-made-{name}", __doc__.strip().splitlines()[0], {"rows": rows}))


if __name__ == "__main__":
    main()
