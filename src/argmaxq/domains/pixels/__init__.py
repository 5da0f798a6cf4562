"""CartPole as pictures: a rasteriser in JAX, and the same pictures from Gymnasium's renderer."""
