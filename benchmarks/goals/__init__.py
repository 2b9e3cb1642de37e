"""What `objectives.py` compares: real logs with several objectives, and rankers on the same features."""
