"""The stages that turn a photo and a name into a cut-out. Knows nothing of TorchServe or of HTTP servers."""
