"""Ask your documents; every sentence of the answer is cited and checked."""
