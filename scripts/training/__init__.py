"""Training and judging of the refiner."""
