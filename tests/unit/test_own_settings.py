"""The command line finds the caller's servers where the service itself finds them."""

import pytest
from pydantic import SecretStr

from rubi.cli import own_settings as module
from rubi.cli.errors import CommandError
from rubi.cli.own_settings import FROM_FILES, own_settings
from rubi.settings import Settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SOURCE_ROOT", tmp_path)
    for name in FROM_FILES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_a_secret_is_read_from_the_file_that_is_named(monkeypatch, tmp_path):
    (tmp_path / "database_url").write_text("postgresql://somebody@db/rubi\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "database_url"))
    assert own_settings()["DATABASE_URL"] == "postgresql://somebody@db/rubi"


def test_the_environment_wins_over_the_file_and_the_file_over_dotenv(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("REDIS_URL=redis://from-dotenv\n")
    (tmp_path / "redis_url").write_text("redis://from-file")
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "redis_url"))
    assert own_settings()["REDIS_URL"] == "redis://from-file"
    monkeypatch.setenv("REDIS_URL", "redis://from-environment")
    assert own_settings()["REDIS_URL"] == "redis://from-environment"


def test_a_file_that_cannot_be_read_is_said_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "nothing"))
    with pytest.raises(CommandError, match=r"JWT_SECRET_FILE names .*nothing"):
        own_settings()


def test_a_file_of_logs_is_no_setting(monkeypatch):
    monkeypatch.setenv("LOG_FILE", "/dev/null")
    assert "LOG" not in own_settings()


def test_every_secret_of_the_service_may_come_from_a_file():
    secret = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *args_of(field))
    }
    assert set(FROM_FILES) == secret


def args_of(field):
    return getattr(field.annotation, "__args__", ())
