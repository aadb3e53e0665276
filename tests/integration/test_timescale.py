"""TimescaleDB beside the clone: found when whole, used where the data is, and nothing is lost when it cannot be had."""

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rubi.embedded import debian_packages, timescale
from rubi.embedded.choose_edition import HOMES, EditionError, choose_edition
from rubi.embedded.install_timescale import NEEDED, NOT_NEEDED, TimescaleError, install_timescale
from rubi.embedded.offer_timescale import offer_timescale

needs_timescale = pytest.mark.skipif(timescale.usable() is None, reason="./rubi timescale install")


@pytest.fixture(autouse=True)
def forget():
    yield
    timescale.usable.cache_clear()


@pytest.fixture
def told():
    return []


def put_data(folder: Path, edition: str) -> None:
    (folder / HOMES[edition] / "data").mkdir(parents=True)
    (folder / HOMES[edition] / "data" / "PG_VERSION").write_text("17\n")


def without_timescale(monkeypatch):
    monkeypatch.setenv("RUBI_TIMESCALE", "0")
    timescale.usable.cache_clear()


@needs_timescale
def test_a_new_instance_runs_on_timescale(tmp_path, told):
    assert choose_edition(tmp_path, disposable=False, tell=told.append) == "timescale"
    assert told == []


@needs_timescale
def test_data_on_plain_postgres_stays_where_it_is_and_that_is_said(tmp_path, told):
    put_data(tmp_path, "plain")
    assert choose_edition(tmp_path, disposable=False, tell=told.append) == "plain"
    assert len(told) == 1
    assert choose_edition(tmp_path, disposable=True, tell=told.append) == "timescale"


def test_without_timescale_its_data_is_not_hidden_behind_an_empty_database(tmp_path, told, monkeypatch):
    without_timescale(monkeypatch)
    put_data(tmp_path, "timescale")
    with pytest.raises(EditionError, match="RUBI_TIMESCALE"):
        choose_edition(tmp_path, disposable=False, tell=told.append)
    assert choose_edition(tmp_path, disposable=True, tell=told.append) == "plain"


def test_a_new_instance_without_timescale_is_plain(tmp_path, told, monkeypatch):
    without_timescale(monkeypatch)
    assert choose_edition(tmp_path, disposable=False, tell=told.append) == "plain"


def test_half_an_installation_and_a_moved_one_are_none(tmp_path):
    place = tmp_path / "timescale"
    assert timescale.installed(place) is None
    place.mkdir()
    assert timescale.installed(place) is None
    stamp = {"prefix": str(place), "postgres": "17.1", "timescaledb": "2.19"}
    (place / timescale.STAMP).write_text(json.dumps(stamp))
    assert timescale.installed(place) is not None
    moved = place.rename(tmp_path / "elsewhere")
    assert timescale.installed(moved) is None
    (moved / timescale.STAMP).write_text('{"prefix": ')
    assert timescale.installed(moved) is None


def test_a_machine_that_is_not_of_the_debian_family_is_told_so(tmp_path, monkeypatch, told):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TimescaleError, match="Debian family"):
        install_timescale(told.append, place=tmp_path / "timescale")
    offer_timescale(told.append, place=tmp_path / "timescale")
    assert told == []


@pytest.mark.skipif(bool(debian_packages.missing_programs()), reason="for the Debian family")
def test_a_failed_offer_is_one_line_and_is_not_repeated_the_same_day(tmp_path, monkeypatch, told):
    place = tmp_path / ".rubi" / "timescale"
    monkeypatch.setattr("rubi.embedded.offer_timescale.PATIENCE", 0.01)
    monkeypatch.setattr("rubi.embedded.install_timescale.SHARED", tmp_path / "shared")
    offer_timescale(told.append, place=place)
    assert "plain PostgreSQL is used" in told[-1]
    assert timescale.installed(place) is None
    said = len(told)
    offer_timescale(told.append, place=place)
    assert len(told) == said


@needs_timescale
def test_what_is_installed_is_not_installed_again(told):
    assert install_timescale(told.append, patience=0.01) == timescale.installed()
    assert told == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
@pytest.mark.skipif(bool(debian_packages.missing_programs()), reason="for the Debian family")
def test_what_one_clone_of_root_installed_is_used_by_the_next_and_left_as_it_is(tmp_path, monkeypatch, told):
    """Its servers may be running, and its data may need just this version."""
    with TemporaryDirectory() as folder:
        shared = Path(folder)
        shared.chmod(0o755)  # for `nobody`, who cannot enter tmp_path
        monkeypatch.setattr("rubi.embedded.install_timescale.SHARED", shared)
        program = shared / "timescale" / timescale.PROGRAMS / "postgres"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        timescale.write_stamp(timescale.Timescale(shared / "timescale", "17.1", "2.19"))
        place = tmp_path / ".rubi" / "timescale"
        found = install_timescale(told.append, place=place, patience=0.01)
        assert found == timescale.installed(place) == timescale.installed(shared / "timescale")
        assert program.exists()
        assert told == [f"TimescaleDB 2.19 is in {shared / 'timescale'} already"]
        (shared / "timescale" / timescale.STAMP).unlink()  # half of one is made anew
        with pytest.raises(TimescaleError):
            install_timescale(told.append, place=place, patience=0.01)


@pytest.mark.parametrize(
    ("release", "targets", "mirrors"),
    [
        (
            "ID=debian\nVERSION_CODENAME=bookworm\n",
            (
                "http://mirror.example/debian/ bookworm main\nhttp://mirror.example/debian/ bookworm-updates main\n"
                "http://mirror.example/security/ bookworm-security main\nhttps://other.example/apt/ nodistro main\n"
            ),
            ["http://mirror.example/debian"],
        ),
        ("ID=debian\nVERSION_CODENAME=bookworm\n", "file:/srv/debian/ bookworm main\n", []),
        ("ID=ubuntu\nVERSION_CODENAME=noble\n", "http://archive.example/ubuntu/ noble main\n", []),
    ],
)
def test_the_mirror_of_the_machine_is_asked_first(tmp_path, release, targets, mirrors):
    described = tmp_path / "os-release"
    described.write_text(release)

    def asked(*command, **_options):
        return subprocess.CompletedProcess(command, 0, targets, "")

    assert debian_packages.machine_mirrors(asked, described) == mirrors


def test_an_old_keyring_is_told_with_its_cure():
    said = debian_packages._reason("apt-get", "W: GPG error: … NO_PUBKEY 6ED0E7B82643E131")
    assert "apt-get install debian-archive-keyring" in said


def test_libraries_are_taken_and_perl_and_llvm_are_not():
    def taken(name):
        return bool(NEEDED.match(name)) and not NOT_NEEDED.match(name)

    for name in ("libc6", "libicu76", "libssl3t64", "zlib1g", "postgresql-17", "postgresql-17-timescaledb"):
        assert taken(name), name
    for name in ("libllvm19", "perl-base", "libperl5.40", "libjson-perl", "postgresql-common", "adduser"):
        assert not taken(name), name
