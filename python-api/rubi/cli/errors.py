"""Errors whose message is all a person needs."""


class CommandError(Exception):
    """The command cannot be carried out; the message says why and what to do."""


def told() -> tuple[type[BaseException], ...]:
    """Return the errors that are told in one line, without a traceback; asked for only when one has come."""
    import asyncpg

    from rubi.domain.errors import RubiError
    from rubi.embedded.binaries import NotInstalledError
    from rubi.embedded.choose_edition import EditionError
    from rubi.embedded.install_timescale import TimescaleError
    from rubi.embedded.instance import InstanceTakenError
    from rubi.embedded.loopback import PortTakenError
    from rubi.embedded.postgres import ServerNotStartedError
    from rubi.embedded.stack import StackError
    from rubi.flows.back_up import BackupError
    from rubi.settings import SettingsError
    from rubi.store.migrations import MigrationError

    return (
        BackupError,
        CommandError,
        EditionError,
        InstanceTakenError,
        MigrationError,
        NotInstalledError,
        PortTakenError,
        RubiError,
        ServerNotStartedError,
        SettingsError,
        StackError,
        TimescaleError,
        asyncpg.InvalidPasswordError,
        asyncpg.InvalidCatalogNameError,
    )
