"""JPEG files at the level of their coefficients: what is not edited is copied, not re-encoded."""
