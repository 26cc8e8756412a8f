#!/usr/bin/env bash
# machine.sh up FOLDER SOFTWARE | down FOLDER: a virtual machine with Debian 12 from debootstrap, under QEMU.
# QEMU emulates the processor (TCG), so that it runs where no hardware virtualisation is to be had. FOLDER keeps disk, keys and log.
# SSH answers at port 10022 of this machine's loopback address. SOFTWARE has the jars, which the machine would fetch again.
set -euo pipefail
command=${1:-} folder=${2:-} software=${3:-}
[ -n "$folder" ] || { echo "usage: machine.sh up FOLDER SOFTWARE | down FOLDER" >&2; exit 64; }
disk="$folder/vm/disk.raw" pid="$folder/vm/qemu.pid" log="$folder/vm/console.log"

needed() {
  local program
  for program in debootstrap qemu-system-x86_64 mke2fs ssh-keygen; do
    command -v "$program" >/dev/null || {
      echo "There is no $program: apt-get install debootstrap qemu-system-x86 e2fsprogs openssh-client" >&2
      exit 69
    }
  done
}

runs() { [ -f "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }

make_disk() {
  local root="$folder/vm/root"
  echo "vm  making a disk of Debian 12 in $folder/vm (some two minutes)"
  rm -rf "$root" "$disk"
  debootstrap --variant=minbase --include=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,dbus,openssh-server,python3,sudo,iproute2,procps,ca-certificates \
    bookworm "$root" >"$folder/vm/debootstrap.log"
  # Certificates that this machine trusts besides Debian's.
  cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  echo vm >"$root/etc/hostname"
  echo "127.0.1.1 vm" >>"$root/etc/hosts"
  printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/20-wired.network"
  echo "nameserver 10.0.2.3" >"$root/etc/resolv.conf"
  chroot "$root" systemctl enable --quiet systemd-networkd ssh
  mkdir -p "$root/root/.ssh" "$root/opt/marquee/.marquee/software"
  cp "$folder/ssh/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
  chmod -R go= "$root/root/.ssh"
  cp -a "$software/hadoop" "$software/hive" "$software/jars.installed" "$root/opt/marquee/.marquee/software/"
  cp "$root"/boot/vmlinuz-* "$folder/vm/kernel"
  cp "$root"/boot/initrd.img-* "$folder/vm/initrd"
  truncate --size 12G "$disk"
  mke2fs -q -t ext4 -d "$root" "$disk"
  { echo -n "[127.0.0.1]:10022 "; cat "$root/etc/ssh/ssh_host_ed25519_key.pub"; } >"$folder/ssh/known_hosts"
  rm -rf "$root"
}

start() {
  qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -display none -daemonize -pidfile "$pid" -serial "file:$log" \
    -kernel "$folder/vm/kernel" -initrd "$folder/vm/initrd" -append "root=/dev/vda rw console=ttyS0" \
    -drive "file=$disk,format=raw,if=virtio" -netdev user,id=net,hostfwd=tcp:127.0.0.1:10022-:22 -device virtio-net,netdev=net
}

case "$command" in
  up)
    needed
    mkdir -p "$folder/ssh" "$folder/vm"
    [ -f "$folder/ssh/id_ed25519" ] || ssh-keygen -q -t ed25519 -N "" -C marquee-vm -f "$folder/ssh/id_ed25519"
    [ -f "$disk" ] || make_disk
    runs || start
    echo "vm  waiting for its SSH"
    for _ in $(seq 300); do
      ssh -i "$folder/ssh/id_ed25519" -p 10022 -o UserKnownHostsFile="$folder/ssh/known_hosts" -o BatchMode=yes -o ConnectTimeout=5 \
        root@127.0.0.1 true 2>/dev/null && exit 0
      runs || break
      sleep 1
    done
    echo "The virtual machine's SSH does not answer. Read $log." >&2
    exit 69
    ;;
  down)
    runs && kill "$(cat "$pid")"
    rm -rf "$folder/vm"
    ;;
  *)
    echo "usage: machine.sh up FOLDER SOFTWARE | down FOLDER" >&2
    exit 64
    ;;
esac
