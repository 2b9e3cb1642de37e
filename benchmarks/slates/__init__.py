"""What slates are measured on: candidates of a real model, kept between runs."""
