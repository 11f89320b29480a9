"""Keys: what an endpoint is shown to let us in; read from the environment, never stored, never printed."""

import os

from bimedix2_core.errors import EndpointError


def authorization(variable: str | None) -> dict[str, str]:
    """The header with the key that an environment variable holds; no header where no variable is named.

    A key that no header can carry would come back in the words of a network error, for all to read. No local variable
    here holds one: a traceback may show those too.

    Raises:
        EndpointError: the variable is not set or blank, or its key has a line break, another control character, a space
            at an end, or a letter that no key has. The message names the variable.
    """
    if variable is None:
        return {}
    if not os.environ.get(variable, "").strip():
        raise EndpointError(f"no key for the endpoint, nothing was asked: set the environment variable {variable}")
    if not _is_sendable(os.environ[variable]):
        raise EndpointError(
            f"the environment variable {variable} holds a line break, a space at an end or a letter that no key has, "
            "nothing was asked: set it again"
        )
    return {"Authorization": f"Bearer {os.environ[variable]}"}


def _is_sendable(key: str) -> bool:
    return key.isascii() and key.isprintable() and key == key.strip()
