"""A file is the old one or the new one, never half of one."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.system.files import make_folder, sync_folder, write_atomically, write_temporary


@contextmanager
def files_no_larger_than(limit: int) -> Iterator[None]:
    """Let every write beyond that many bytes fail, as a full disk does."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 5000])
def test_the_file_holds_what_was_written_and_nothing_else_is_left(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    for content in (data, b"another", data):
        write_atomically(path, content)
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == ["file"]


def test_a_reader_of_the_old_file_keeps_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with files_no_larger_than(1000), pytest.raises(OSError, match="File too large"):
        write_atomically(path, bytes(100_000))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_rename_that_fails_leaves_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"new")
    assert os.listdir(tmp_path) == ["file"]


def test_the_rest_of_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_temporary(path, b"a very long rest") == tmp_path / ".file.tmp"
    assert not path.exists()
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file", b"x")
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError):
        sync_folder(Path(__file__))


def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        write_atomically(tmp_path / "file", b"x")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "some" / "where" / "deep")
        assert (tmp_path / "some" / "where" / "deep").is_dir()


def test_a_folder_where_none_can_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted = tmp_path / "checkout"
    deleted.mkdir()
    monkeypatch.chdir(deleted)
    deleted.rmdir()
    for folder in (Path("/proc/state"), Path("/proc/state/pictures"), Path("state"), Path("state/pictures")):
        with pytest.raises(FileNotFoundError):
            make_folder(folder)
