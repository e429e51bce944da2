"""People's own photos: find faces, cut them out, invert them, and paste the difference back."""
