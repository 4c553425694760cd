"""Properties are about values: how long one example takes says nothing on a shared machine."""

from hypothesis import settings

settings.register_profile("pneumoscope", deadline=None)
settings.load_profile("pneumoscope")
