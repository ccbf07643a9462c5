"""The one public port: the page, the interface and its docs, in front of a TorchServe that nobody else can reach."""
