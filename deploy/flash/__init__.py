"""Write the card of one host: `python -m deploy.flash --help`, or `make flash`.

`card.write_card` performs all steps from the image to the card. All decisions about a disk or a host are pure functions
(`checks`, `partitions`, `variables`, `firstboot`); thin modules access the system (`disks`, `image`, `target`, `fat`,
`inventory`).
"""
