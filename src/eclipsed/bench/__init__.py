"""Comparisons: methods side by side on a world, on prompts and seeds that none of them chose."""
