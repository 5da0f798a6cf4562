"""What agents share: parts that they are composed of."""
