"""Run the notebooks with one profile: only what is stale, and each says why; or refresh them, or compare two runs.

``execute`` runs one notebook, ``inputs`` knows what it depends on, ``steps`` which results it needs, ``stale`` why it
is not up to date, ``tasks`` runs all through doit, ``refresh`` writes outputs back, ``compare_runs`` sets two runs side
by side. ``python -m bimedix2_core.reproduce --help`` lists what can be asked for.
"""
