import pytest


@pytest.fixture
def notebook_dir(tmp_path):
    """A folder for tiny notebooks, with braces in its name: papermill would fill them in."""
    folder = tmp_path / "note{books}"
    folder.mkdir()
    return folder
