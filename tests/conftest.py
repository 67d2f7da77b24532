"""Settings that all tests share."""

from hypothesis import settings

# Time limits per example would make tests fail on a busy machine; pytest-timeout catches a real hang.
settings.register_profile("celltrail", deadline=None)
settings.load_profile("celltrail")
