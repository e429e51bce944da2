"""Text-image encoders, frozen: CLIP and SigLIP behind one Protocol."""
