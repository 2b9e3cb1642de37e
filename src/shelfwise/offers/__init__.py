"""Offers: what a shop gives a discount on, who answers to it, and who should get it within a budget."""
