"""What holds for every test."""

from hypothesis import settings

# A first call compiles, which takes longer than any deadline for one example.
settings.register_profile("argmaxq", deadline=None)
settings.load_profile("argmaxq")
