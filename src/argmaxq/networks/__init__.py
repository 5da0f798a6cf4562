"""Networks, their inputs and heads."""
