"""What is seen as pictures: CartPole, drawn in JAX or rendered by Gymnasium, and MinAtar's games."""
