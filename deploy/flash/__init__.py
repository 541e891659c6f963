"""Write the card of one host: `python -m deploy.flash --help`, or `make flash`.

Read it from `card`, which is the whole way from image to card in one function. Whatever decides over a disk or a
host is a pure function (`checks`, `partitions`, `variables`, `firstboot`); what touches the world is thin
(`disks`, `image`, `target`, `fat`, `inventory`).
"""
