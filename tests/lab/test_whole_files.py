"""What a disk refuses in the middle leaves the file as it was."""

import resource

import pytest

from pneumoscope.lab.whole_files import write_whole

pytestmark = pytest.mark.lab


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "report.json"
    write_whole(path, b"first")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_whole(path, b"longer than ten bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
