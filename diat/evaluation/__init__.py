"""How good a model is: judges, metrics, and the figures that the cards show."""
