"""The parts that a `Viewer` is made of."""
