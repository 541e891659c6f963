"""A machine that boots: Debian in systemd-nspawn, reached by SSH on the loopback of a network that has nothing else."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.running import eventually
from tests.system.host import Host
from tests.system.tree import ACCOUNT

BOOTS_WITHIN = 60.0  # s
STOPS_WITHIN = 30.0  # s


class Machine(Host):
    """One booted copy of a tree; whatever happens in it is gone at the end. Use it as a context."""

    def __init__(self, tree: Path, work: Path) -> None:
        super().__init__(work)
        self.name = f"camera-{secrets.token_hex(4)}"
        self.log = work / "console.log"
        self._tree = tree
        self._cgroup: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Machine":
        self._folder = Path(tempfile.mkdtemp(prefix="camera-appliance-", dir="/var/tmp"))
        self.root = self._folder / "root"
        try:
            subprocess.run(["cp", "--archive", "--reflink=auto", str(self._tree), str(self.root)], check=True)
            self._furnish()
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()  # nspawn passes it on as an order to power off
            try:
                self._process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._forget_cgroup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _furnish(self) -> None:
        """Give the copy what is its own: a name, keys."""
        (self.root / "etc/hostname").write_text(f"{self.name}\n", encoding="utf-8")
        with (self.root / "etc/hosts").open("a", encoding="utf-8") as hosts:
            hosts.write(f"127.0.1.1 {self.name}\n")
        host_key = str(self.root / "etc/ssh/ssh_host_ed25519_key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True)
        home = self.root / "home" / ACCOUNT
        keys = home / ".ssh" / "authorized_keys"
        keys.write_bytes(self.key.with_suffix(".pub").read_bytes())
        os.chown(keys, home.stat().st_uid, home.stat().st_gid)

    def _boot(self) -> None:
        command = [
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self.name}"),
            *("--register=no", "--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            "--capability=CAP_NET_ADMIN",  # for the firewall: the network is this test's own
        ]
        if not Path("/run/systemd/system").exists():
            command.append("--keep-unit")  # nobody here could give it a unit
            self._cgroup = self._own_cgroup()
        with self.log.open("wb") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                preexec_fn=self._enter_cgroup,
            )
        eventually(self._is_up, "a booted machine", BOOTS_WITHIN)

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"nspawn has ended:\n{self.log.read_text(errors='replace')}")
        return self.run("systemctl", "is-system-running", "--wait").stdout.strip() in ("running", "degraded")

    def _own_cgroup(self) -> Path | None:
        """Make a control group for the machine: two of them in one would take each other's services for theirs."""
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            fields, _, kind = line.partition(" - ")
            if kind.startswith("cgroup2 "):
                group = Path(fields.split()[4]) / self.name
                group.mkdir()
                return group
        return None

    def _enter_cgroup(self) -> None:
        if self._cgroup:
            (self._cgroup / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def _forget_cgroup(self) -> None:
        if self._cgroup:
            for folder in sorted((path for path in self._cgroup.rglob("*") if path.is_dir()), reverse=True):
                folder.rmdir()
            self._cgroup.rmdir()
