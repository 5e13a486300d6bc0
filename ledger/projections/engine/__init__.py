"""Follow, rebuild, compare and switch read models, whatever they contain."""
