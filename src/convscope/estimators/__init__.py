"""Networks as objects of scikit-learn."""
