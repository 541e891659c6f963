"""The Ansible role, run by real Ansible."""
