"""The starter world: avatars drawn exactly, and the small networks that are trained on them."""
