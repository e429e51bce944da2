"""Files of others → named tensors and the numbers of their architecture, executing nothing."""
