"""One true virtual machine under QEMU, for what containers cannot show: its own kernel, disk, clock and network."""
