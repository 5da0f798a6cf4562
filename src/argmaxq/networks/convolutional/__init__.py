"""Convolutional networks: encoders of pictures in the form that suits device and batch."""
