"""What stands between the supervisor and a server it starts: tie the lives together, drop root, become the server.

Run as a file (`python -I -S child.py SIGNAL USER -- program arguments…`), not as `preexec_fn`: that one runs Python
between fork and exec, which may deadlock in a process with threads.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: int, parent: int) -> None:
    """Ask Linux to send `signal_number` to this process when its parent is gone, also after a `kill -9`."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # the parent died before the request was made
        os.kill(os.getpid(), signal_number)


def drop_to(user: str) -> None:
    """Become `user`, for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(arguments: list[str]) -> None:
    """Take `SIGNAL PARENT USER -- program …` and become the program; USER `-` keeps the caller's."""
    signal_name, parent, user, _separator, *command = arguments
    if user != "-":
        drop_to(user)  # first: a change of user clears the request below
    die_with_parent(getattr(signal, signal_name), int(parent))
    try:
        os.execvpe(command[0], command, os.environ)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
