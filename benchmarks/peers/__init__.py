"""Ours beside other recommenders, under one protocol.

`exams` turns a shop's log into questions (`exam.Exam`), a plain file. `compare` gives the same file to every model,
each as a program of its own (`ask`) in an environment of its own (`environments`), and keeps what each answered as a
row (`rows`). `table` is made from rows alone.

Everything that a peer imports works with NumPy, SciPy and the peer's own library: their environments hold no Shelfwise.
"""
