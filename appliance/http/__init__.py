"""The HTTP side: routes on Bottle, served by cheroot; long-lived responses by the broadcaster."""
