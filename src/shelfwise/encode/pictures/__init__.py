"""Pictures of items: files, descriptors or a vision model's vectors, learned directions. Nothing here needs torch.

To add an encoder: one file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {
    "descriptors": "shelfwise.encode.pictures.descriptors:Descriptors",
    "clip": "shelfwise.encode.pictures.clip:Clip",
}
