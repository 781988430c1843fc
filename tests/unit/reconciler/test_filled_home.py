"""The shell line that fills the home of a sandbox, run as it is in folders of a test's own."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.settings import Settings
from reconciler.manifests.sandbox import objects
from tests.unit.reconciler.sandbox import sandbox

_SOURCES = ("/etc/skel", "/opt/mooring/home")
_NOBODY = 65534


def line() -> list[str]:
    """The command of the init container."""
    workload = next(
        body for body in objects(sandbox(), Settings()) if body["kind"] == "StatefulSet"
    )
    [init] = workload["spec"]["template"]["spec"]["initContainers"]
    command: list[str] = init["command"]
    return command


@dataclass(frozen=True)
class Image:
    """A root folder with a home, and what the image may bring."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def skel(self) -> Path:
        return self.root / "etc" / "skel"

    @property
    def template(self) -> Path:
        return self.root / "opt" / "mooring" / "home"

    def put(self, file: Path, said: str) -> Path:
        """A file, with the folders that it is in."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said)
        return file

    def start(self) -> subprocess.CompletedProcess[str]:
        """What the init container does here, as somebody who is not root."""
        shell, option, text = line()
        for source in _SOURCES:
            assert source in text
            text = text.replace(source, f"{self.root}{source}")
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [shell, option, text],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            user=_NOBODY if os.geteuid() == 0 else None,
        )

    def files(self) -> dict[str, str]:
        """What is in the home."""
        found = (path for path in self.home.rglob("*") if path.is_file())
        return {str(path.relative_to(self.home)): path.read_text() for path in found}


@pytest.fixture
def image() -> Iterator[Image]:
    """An image with an empty home that belongs to whoever runs there."""
    with tempfile.TemporaryDirectory() as folder:
        made = Image(Path(folder).resolve())
        made.root.chmod(0o755)
        made.home.mkdir()
        made.home.chmod(0o777)
        yield made


def test_an_empty_home_gets_all_of_the_skeleton_dotfiles_and_folders_too(image: Image) -> None:
    image.put(image.skel / ".bashrc", "prompt")
    image.put(image.skel / ".config" / "app" / "rc", "x")
    image.put(image.skel / "with a space", "y")
    image.put(image.skel / "run.sh", "z").chmod(0o755)

    done = image.start()

    assert (done.returncode, done.stderr) == (0, "")
    assert image.files() == {
        ".bashrc": "prompt",
        ".config/app/rc": "x",
        "with a space": "y",
        "run.sh": "z",
    }
    assert (image.home / "run.sh").stat().st_mode & stat.S_IXUSR


def test_the_folder_that_a_new_file_system_has_counts_as_nothing(image: Image) -> None:
    (image.home / "lost+found").mkdir()
    image.put(image.skel / ".bashrc", "prompt")

    assert image.start().returncode == 0
    assert image.files() == {".bashrc": "prompt"}


@pytest.mark.parametrize("kept", [".hidden", "visible", "lost+found2", "xlost+found", " "])
def test_a_home_with_anything_in_it_is_left_as_it_is(image: Image, kept: str) -> None:
    image.put(image.home / kept, "the user's")
    image.put(image.skel / ".bashrc", "prompt")
    image.put(image.template / kept, "the image's")

    assert image.start().returncode == 0
    assert image.files() == {kept: "the user's"}


def test_what_the_user_deleted_does_not_come_back(image: Image) -> None:
    image.put(image.skel / ".bashrc", "prompt")
    image.put(image.skel / ".profile", "x")
    image.start()
    (image.home / ".profile").unlink()

    assert image.start().returncode == 0
    assert image.files() == {".bashrc": "prompt"}


def test_a_template_joins_the_skeleton_and_wins_over_it(image: Image) -> None:
    image.put(image.skel / ".bashrc", "plain")
    image.put(image.skel / ".profile", "plain")
    image.put(image.template / ".bashrc", "of the image")
    image.put(image.template / "src" / "main.py", "print()")

    assert image.start().returncode == 0
    assert image.files() == {
        ".bashrc": "of the image",
        ".profile": "plain",
        "src/main.py": "print()",
    }


@pytest.mark.parametrize("empty", [True, False])
def test_an_image_without_a_skeleton_or_with_an_empty_one_is_none_the_worse(
    image: Image, *, empty: bool
) -> None:
    if empty:
        image.skel.mkdir(parents=True)

    done = image.start()

    assert (done.returncode, done.stderr, image.files()) == (0, "", {})


def test_a_link_stays_a_link(image: Image) -> None:
    image.put(image.skel / "real", "x")
    (image.skel / "link").symlink_to("real")

    assert image.start().returncode == 0
    assert (image.home / "link").is_symlink()


def test_what_may_not_be_read_keeps_nothing_else_back(image: Image) -> None:
    image.put(image.skel / "secret", "root's").chmod(0)
    image.put(image.skel / "zz", "x")
    image.put(image.template / ".bashrc", "prompt")

    assert image.start().returncode == 0
    assert {"zz", ".bashrc"} <= image.files().keys()


def test_a_home_that_cannot_be_written_is_a_failure_with_words(image: Image) -> None:
    image.put(image.skel / ".bashrc", "prompt")
    image.home.chmod(0o555)

    done = image.start()

    assert done.returncode != 0
    assert "ermission denied" in done.stderr
