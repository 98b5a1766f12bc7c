"""The pages of the staff's listener, one module for each of them."""
