"""What cleanlab finds with its defaults: CleanLearning around scikit-learn's logistic regression, 5 folds.

python cleanlab_defaults.py FILE.npz    # features N D, labels T N; prints the indices found in each labeling
"""

import json
import sys
import warnings

import numpy as np
from cleanlab.classification import CleanLearning

with np.load(sys.argv[1], allow_pickle=False) as stored:
    features, labelings = stored["features"], stored["labels"]
found = []
for labels in labelings:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its logistic regression does not converge within its default of 100 steps
        issues = CleanLearning(seed=0).find_label_issues(features, labels)
    found.append(np.flatnonzero(issues["is_label_issue"].to_numpy()).tolist())
print(json.dumps(found))
