"""One file a model: the autoencoder and its rivals."""
