"""Which pixels and training images a prediction is due to, and how far each answer can be trusted."""
