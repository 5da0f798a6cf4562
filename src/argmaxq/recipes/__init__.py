"""Every named recipe, ENVIRONMENT/ALGORITHM, one file per environment family, and starts for any other environment."""

from argmaxq.recipes.named import Chosen, Given, choose, find, recipes

__all__ = ["Chosen", "Given", "choose", "find", "recipes"]
