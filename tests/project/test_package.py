"""The wheel: what an installation from it would have."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from django.conf import settings

import aditus

ROOT = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = [name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, because setuptools leaves its work beside the sources; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("package")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=NOT_SHIPPED)
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.in"):
        shutil.copy(ROOT / name, folder)
    build = "import setuptools.build_meta as backend; print(backend.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / done.stdout.splitlines()[-1]) as archive:
        yield archive


@pytest.mark.processes
def test_it_holds_every_file_of_every_room(wheel):
    ours = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert ours - set(wheel.namelist()) == set()


@pytest.mark.processes
def test_it_holds_neither_tests_nor_benchmarks(wheel):
    rooms = {name.split("/")[0] for name in wheel.namelist()}

    assert rooms == {*ROOMS, f"aditus-{aditus.__version__}.dist-info"}


@pytest.mark.processes
def test_its_version_licence_and_needs_are_those_of_the_project(wheel):
    metadata = wheel.read(f"aditus-{aditus.__version__}.dist-info/METADATA").decode()
    needed = [line for line in (ROOT / "requirements.in").read_text().splitlines() if line]

    assert f"Version: {aditus.__version__}" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert metadata.count("Requires-Dist: ") == len(needed)


def test_the_changelog_begins_with_the_version_of_the_code():
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]

    assert headings[0].split()[1] == aditus.__version__


def test_the_image_is_tagged_with_the_version_of_the_code():
    assert f"image: aditus:{aditus.__version__}\n" in (ROOT / "compose.yml").read_text()
