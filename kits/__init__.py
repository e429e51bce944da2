"""What builds the worlds that the package ships, outside of it; run from the root of a checkout."""
