"""Language models on items: passages, vectors, whitening. Nothing here needs torch.

To add an encoder: one file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {
    "sentence-transformer": "shelfwise.encode.sentence_transformer:SentenceTransformer",
    "openai": "shelfwise.encode.openai_endpoint:OpenAIEndpoint",
}
