from hypothesis import settings

# A pause of a busy machine is no failure; the whole test has pytest's timeout.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
