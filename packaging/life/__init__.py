"""The whole life of a unit of a charm of layer:basic, made by charm-tools from the layers themselves."""
