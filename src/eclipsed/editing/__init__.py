"""Directions applied to latents: stacks, masks, images and their recipes. It knows no encoder."""
