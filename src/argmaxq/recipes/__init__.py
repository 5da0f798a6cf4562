"""Every named recipe, ENVIRONMENT/ALGORITHM, one file per environment family, and starts for any other environment."""

from argmaxq.recipes.named import Chosen, choose, find, recipes

__all__ = ["Chosen", "choose", "find", "recipes"]
