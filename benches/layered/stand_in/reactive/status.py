"""The status layer's place in a hook."""

from charms import layer

layer.status.prepare()
