"""Many prompts or many images as jobs: planned, carried out on one machine or on Ray, resumed."""
