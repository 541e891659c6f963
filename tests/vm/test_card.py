"""A card that `make flash` wrote boots into the host that the inventory describes."""

import json

from tests.system.tree import ACCOUNT
from tests.vm.camera import HOST
from tests.vm.machine import VirtualMachine


def test_the_first_boot_sets_the_name_and_account_of_the_inventory(machine: VirtualMachine) -> None:
    assert machine.read("hostname") == HOST
    assert f"127.0.1.1 {HOST}" in " ".join(machine.read("cat", "/etc/hosts").split())
    assert machine.read("readlink", "/etc/localtime").endswith("/Europe/Berlin")
    assert "video" in machine.read("id", "--name", "--groups", ACCOUNT).split()


def test_its_key_is_the_only_way_in(machine: VirtualMachine) -> None:
    key = " ".join(machine.key.with_suffix(".pub").read_text().split()[:2])
    assert key in machine.read("cat", f"/home/{ACCOUNT}/.ssh/authorized_keys")
    assert machine.read("getent", "shadow", ACCOUNT).split(":")[1].startswith("!")
    assert "passwordauthentication no" in machine.read("sshd", "-T").splitlines()


def test_cloud_init_took_its_files_from_the_card_without_complaint(machine: VirtualMachine) -> None:
    status = json.loads(machine.read("cloud-init", "status", "--format=json"))
    assert (status["status"], status["errors"], status["recoverable_errors"]) == ("done", [], {})
    assert "nocloud" in status["detail"].lower()


def test_the_root_fills_the_card(machine: VirtualMachine) -> None:
    size = int(machine.read("findmnt", "--bytes", "--noheadings", "--output=SIZE", "/"))
    assert size > 3 * 10**9
