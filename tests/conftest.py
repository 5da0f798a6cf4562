"""What holds for every test."""

from hypothesis import settings

from argmaxq.setup import device_per_core

# A first call compiles, which takes longer than any deadline for one example.
settings.register_profile("argmaxq", deadline=None)
settings.load_profile("argmaxq")

# Before any test starts JAX, so that several seeds are spread over the cores as they are from the command line.
device_per_core()
