"""Photos there and back: what becomes of pictures that no network ever saw, in numbers."""
