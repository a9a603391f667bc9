"""The locks: closed, without an index, installed in one way; and every direct dependency documented."""

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt"]
# The first release of 3.11 and a later one: markers ask for the third number there.
PYTHONS = ["3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0"]
PLATFORMS = [
    ("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"),
    ("darwin", "Darwin", "x86_64"), ("darwin", "Darwin", "arm64"),
]  # fmt: skip
MACHINES = list(product(PYTHONS, PLATFORMS))


def environment(python, platform):
    """What markers are decided by, on a CPython of that version there."""
    sys_platform, system, machine = platform
    return default_environment() | {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "implementation_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "os_name": "posix",
    }


def requirements_in(path):
    """Those of a lock or of a list of direct dependencies; options and comments are left out."""
    text = (ROOT / path).read_text().replace("\\\n", " ")
    lines = (re.sub(r"\s+--hash=\S+|(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def direct(path):
    """The direct dependencies of a list, with those of the lists that it includes."""
    included = re.findall(r"^-r (\S+)$", (ROOT / path).read_text(), re.MULTILINE)
    return [*requirements_in(path), *(found for name in included for found in direct(name))]


@cache
def elsewhere():
    """What is locked for other machines only, so that its metadata is not here to be read."""
    everywhere = {canonicalize_name(found.name) for lock in LOCKS for found in requirements_in(lock)}
    return everywhere - {name for lock in LOCKS for name in locked_on(lock, default_environment())}


@cache
def requirements_of(name):
    if name in elsewhere():
        return []
    return [Requirement(text) for text in distribution(name).requires or []]


def applies(requirement, machine, extras=("",)):
    """Whether the requirement counts there, for somebody who asked for these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**machine, "extra": extra}) for extra in extras)


def unmet(locked, wanted, machine):
    """Sentences on what `wanted` and all below it lack in `locked` ({name: version}) on that machine."""
    asked, missing = {}, []
    waiting = [("the product", requirement) for requirement in wanted if applies(requirement, machine)]
    while waiting:
        asker, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        version = locked.get(name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            missing.append(f"{asker} wants {requirement}, and the lock has {version or 'none'}")
            continue
        new = {"", *requirement.extras} - asked.setdefault(name, set())
        asked[name] |= new
        waiting += [(name, below) for below in requirements_of(name) if new and applies(below, machine, new)]
    return missing


def locked_on(lock, machine):
    return {
        canonicalize_name(found.name): Version(next(iter(found.specifier)).version)
        for found in requirements_in(lock)
        if applies(found, machine)
    }


def not_installed(lock):
    """Packages of the lock that this machine has no metadata of, or of another version."""
    strangers = []
    for name, version in locked_on(lock, default_environment()).items():
        try:
            installed = Version(distribution(name).version)
        except PackageNotFoundError:
            installed = None
        if installed != version:
            strangers.append(f"{name}: locked {version}, installed {installed}")
    return strangers


@pytest.mark.parametrize(("python", "platform"), MACHINES)
@pytest.mark.parametrize("lock", LOCKS)
def test_whatever_a_locked_package_requires_is_locked(lock, python, platform):
    machine = environment(python, platform)

    assert unmet(locked_on(lock, machine), direct(lock.replace(".txt", ".in")), machine) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_what_the_proof_reads_is_the_metadata_of_what_is_locked(lock):
    assert not_installed(lock) == [], "install the lock first: make test does"


def test_a_package_or_an_extra_that_the_lock_lacks_is_found():
    """The proof itself: a lock without it must not pass."""
    machine = environment("3.12.0", PLATFORMS[0])
    locked = locked_on("requirements.txt", machine)
    wanted = direct("requirements.in")
    without = {name: version for name, version in locked.items() if name != "requests"}
    older = locked | {"google-auth": Version("1.0")}

    # google-genai asks for google-auth[requests], and that extra for requests.
    assert any(
        problem.startswith("google-auth wants requests") for problem in unmet(without, wanted, machine)
    )
    assert any("wants google-auth" in problem for problem in unmet(older, wanted, machine))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_package_has_one_version_on_every_machine(lock):
    names = [canonicalize_name(found.name) for found in requirements_in(lock)]

    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert all(
        [specifier.operator for specifier in found.specifier] == ["=="] for found in requirements_in(lock)
    )


def test_development_and_production_have_the_same_versions():
    product_lock, development = (
        {canonicalize_name(found.name): str(found.specifier) for found in requirements_in(lock)}
        for lock in LOCKS
    )

    assert {name: development.get(name) for name in product_lock} == product_lock


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-local.txt"])
def test_a_lock_names_no_index_and_no_address(lock):
    text = (ROOT / lock).read_text()
    body = [line for line in text.splitlines() if not line.lstrip().startswith("#")]

    assert re.findall(r"https?://|file:|@ ", text) == []
    assert [line for line in body if line.lstrip().startswith("-") and "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-local.txt"])
def test_every_locked_package_has_a_hash(lock):
    entries = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    bare = [line for line in entries if re.match(r"[\w.-]+==", line) and "--hash=sha256:" not in line]

    assert bare == []


def pip_installs(path):
    """The arguments of each `pip install` of a lock that a file runs."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / path).read_text())
    commands = re.findall(r"pip install (.*?-r\b[^&|;\n]*)", text)
    return [sorted(set(re.findall(r"--[a-z-]+", command)) - {"--quiet"}) for command in commands]


def test_there_is_one_way_to_install_and_it_ends_with_a_check():
    makefile, dockerfile = (ROOT / "Makefile").read_text(), (ROOT / "Dockerfile").read_text()

    assert pip_installs("Makefile") == pip_installs("Dockerfile") == [["--no-deps", "--require-hashes"]]
    assert makefile.count("@$(INSTALL) requirements") == 3
    for lock in ("requirements.txt", "requirements-dev.txt"):
        assert f"@$(INSTALL) {lock}\n\t@$(CHECK)" in makefile
    assert "pip check" in makefile
    assert re.search(r"-r /tmp/requirements.txt && \S*pip check\n", dockerfile)


def test_continuous_integration_installs_with_make_and_nothing_else():
    script = (ROOT / ".ci" / "run").read_text()

    assert re.findall(r"\b(?:pip|uv)\s+(?:install|sync)\b", script) == []
    assert script.rstrip().endswith("make test")


LISTS = ["requirements.in", "requirements-dev.in", "requirements-local.in"]


def documented():
    """The names in the first column of the tables, as they are written there."""
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    words = re.findall(r"[A-Za-z][\w.-]+", " ".join(re.sub(r"\([^)]*\)", "", row) for row in rows))
    return {canonicalize_name(word) for word in words}


@pytest.mark.parametrize("path", LISTS)
def test_the_docs_name_every_direct_dependency(path):
    names = {canonicalize_name(found.name) for found in requirements_in(path)}

    assert sorted(names - documented()) == []


def test_the_docs_name_nothing_that_is_not_a_dependency():
    names = {canonicalize_name(found.name) for path in LISTS for found in requirements_in(path)}
    words_beside = {"package", "lts"}

    assert sorted(documented() - names - words_beside) == []
