"""The methodology and the bands, as the code uses them."""
