# A namespace that layers share: charms.layer, charms.apt, charms.leadership and others live beside us.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)
