"""Types of volumes: on what kind of disks they are. Flavors name one, volumes have one."""
