"""The pages: they show a desk and hand it what was done. What things mean is decided elsewhere."""
