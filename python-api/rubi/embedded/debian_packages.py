"""Debian's packages without installing them: apt in folders of its own, signatures checked, nothing needs root."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RELEASE = "trixie"
PUBLIC_MIRROR = "http://deb.debian.org/debian"
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-trixie-stable.gpg"),
)
OS_RELEASE = Path("/etc/os-release")
PROGRAMS = ("apt-get", "dpkg", "dpkg-deb")
_INSTALLED = re.compile(r"^Inst (\S+)", re.MULTILINE)
_PLANNED = re.compile(r"^'[^']+' (\S+\.deb) (\d+) ", re.MULTILINE)
_PROBLEM = re.compile(r"^[EW]: (.+)$", re.MULTILINE)


class PackagesError(RuntimeError):
    """Packages cannot be had; the message says why and, where there is one, the cure."""


@dataclass(slots=True)
class Apt:
    """apt with lists, cache and sources under `folder`; what it has downloaded stays there for the next attempt.

    `patience`: seconds for everything together; None: as long as it takes.
    """

    folder: Path
    patience: float | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def archives(self) -> Path:
        """Where the packages are downloaded to."""
        return self.folder / "packages"

    def prepare(self) -> None:
        """Fetch Debian's list of packages, from the machine's own mirror when it has the release.

        Raises:
            PackagesError: no mirror answers, or its signature cannot be checked.

        """
        keyring = _keyring()
        for each in (
            self.archives,
            self.folder / "state" / "lists" / "partial",
            self.folder / "cache" / "archives" / "partial",
        ):
            each.mkdir(parents=True, exist_ok=True)
        (self.folder / "state" / "status").touch()  # as if nothing were installed: every library is resolved
        failure: PackagesError | None = None
        for mirror in dict.fromkeys((*machine_mirrors(), PUBLIC_MIRROR)):
            self._configure(mirror, keyring)
            try:
                self._run("apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any")
            except PackagesError as error:
                failure = failure or error
            else:
                return
        assert failure is not None, "the public mirror is always tried"
        raise failure

    def resolve(self, *names: str) -> list[str]:
        """Return the names of these packages and of everything they need."""
        return _INSTALLED.findall(self._run("apt-get", "-q", "--simulate", "install", *names))

    def planned(self, names: Sequence[str]) -> dict[str, int]:
        """Return the files of packages with their sizes in bytes."""
        said = self._run("apt-get", "-q", "--print-uris", "download", *names)
        return {name: int(size) for name, size in _PLANNED.findall(said)}

    def download(self, names: Sequence[str]) -> list[Path]:
        """Fetch packages and return their files; those that are there already and whole are kept."""
        files = self.planned(names)
        self._run("apt-get", "-q", "download", *names, cwd=self.archives)
        return [self.archives / name for name in sorted(files)]

    def unpack(self, package: Path, into: Path) -> None:
        """Unpack a package's files; none of its scripts is run."""
        self._run("dpkg-deb", "--extract", str(package), str(into))

    def _configure(self, mirror: str, keyring: Path) -> None:
        architecture = self._run("dpkg", "--print-architecture", configured=False).strip()
        lines = (
            "Types: deb",
            f"URIs: {mirror}",
            f"Suites: {RELEASE}",
            "Components: main",
            f"Architectures: {architecture}",
            f"Signed-By: {keyring}",
        )
        (self.folder / "debian.sources").write_text("\n".join(lines) + "\n")
        folder = str(self.folder)
        # Read after the machine's own files: its proxy stays, its hooks and its own lists do not.
        (self.folder / "apt.conf").write_text(
            "#clear APT::Update::Pre-Invoke;\n"
            "#clear APT::Update::Post-Invoke;\n"
            "#clear APT::Update::Post-Invoke-Success;\n"
            f'Dir::State "{folder}/state";\n'
            f'Dir::State::status "{folder}/state/status";\n'
            f'Dir::Cache "{folder}/cache";\n'
            # Read once and kept: some images switch that off, and each call would read all of Debian's list again.
            'Dir::Cache::pkgcache "pkgcache.bin";\n'
            'Dir::Cache::srcpkgcache "srcpkgcache.bin";\n'
            'Acquire::GzipIndexes "false";\n'
            f'Dir::Etc::sourcelist "{folder}/debian.sources";\n'
            'Dir::Etc::sourceparts "-";\n'
            'Dir::Etc::preferences "-";\n'
            'Dir::Etc::preferencesparts "-";\n'
            'APT::Sandbox::User "root";\n'  # another user could not write here
            f'APT::Default-Release "{RELEASE}";\n'
            'APT::Install-Recommends "false";\n'
            'Acquire::Languages "none";\n'
            'Acquire::Retries "1";\n'
            'Acquire::http::Timeout "10";\n'
            'Acquire::https::Timeout "10";\n'
        )

    def _run(self, program: str, *arguments: str, cwd: Path | None = None, configured: bool = True) -> str:
        more = ["-c", str(self.folder / "apt.conf")] if configured and program == "apt-get" else []
        left = None if self.patience is None else self.patience - (time.monotonic() - self.began)
        try:
            done = subprocess.run(  # noqa: S603
                [program, *more, *arguments],
                cwd=cwd,
                env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                text=True,
                timeout=None if left is None else max(left, 0.1),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PackagesError(
                f"it took longer than {self.patience:.0f} s; the next attempt goes on from here"
            ) from None
        if done.returncode != 0:
            raise PackagesError(_reason(program, done.stderr + done.stdout))
        return done.stdout


def missing_programs() -> list[str]:
    """Return what this machine lacks of Debian's own tools; anything at all: it is not of the Debian family."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def machine_mirrors(
    run: Callable[..., "subprocess.CompletedProcess[str]"] = subprocess.run, described: Path = OS_RELEASE
) -> list[str]:
    """Return the mirrors of Debian's main archive that this machine uses; none on a distribution made from Debian."""
    try:
        lines = described.read_text().splitlines()
    except OSError:
        return []
    system = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    if system.get("ID") != "debian":
        return []
    asked = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    suites = {system.get("VERSION_CODENAME", ""), "stable", RELEASE}
    found = []
    for line in asked.stdout.splitlines():
        uri, _, rest = line.partition(" ")
        if rest in {f"{suite} main" for suite in suites} and uri.startswith(("http://", "https://")):
            found.append(uri.rstrip("/"))
    return list(dict.fromkeys(found))


def _keyring() -> Path:
    for path in KEYRINGS:
        if path.exists():
            return path
    raise PackagesError("Debian's keys are missing, nothing could be verified: apt-get install debian-archive-keyring")


def _reason(program: str, output: str) -> str:
    if "NO_PUBKEY" in output:
        return (
            f"this machine's debian-archive-keyring is older than Debian {RELEASE}, nothing could be verified: "
            "apt-get install debian-archive-keyring"
        )
    said = _PROBLEM.findall(output) or output.strip().splitlines()[-1:] or ["no reason was given"]
    return f"{program}: {said[0]}"
