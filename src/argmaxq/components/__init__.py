"""The component language: components, their registry, paths, options and files."""
