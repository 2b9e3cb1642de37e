"""The catalogue in two dimensions: what is alike lies together.

`item_space` joins what a model version knows of its items, `neighbours` finds the nearest by FAISS, `layout` lets UMAP
place them, `draw` keeps the result beside the version. Nothing here is needed to serve.
"""
