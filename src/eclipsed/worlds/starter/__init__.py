"""The starter world: avatars drawn exactly, and the small networks trained on them."""
