#!/bin/bash
# A single-node Ganeti cluster that leaves no trace: all that it writes is on mounts of its own.
#
# Runs as the first process of new PID, network, UTS and mount namespaces (see __init__.py). Its argument
# is a directory with the files hosts, rapi.pem, rapi-users and, in os/, OS definitions. Says "ready" on
# standard output and lives until standard input is closed; its end ends every daemon and guest.
set -euo pipefail
WORK=$1 NODE=node1.ganeti.test NODE_IP=10.99.0.1 CLUSTER=ganeti.test
BOUNDS_MIN=memory-size=16,cpu-count=1,disk-count=0,disk-size=1,nic-count=0,spindle-use=1
BOUNDS_MAX=memory-size=32768,cpu-count=16,disk-count=16,disk-size=1048576,nic-count=8,spindle-use=12

for place in /run /srv /var/lib/ganeti /var/log/ganeti; do
  mount -t tmpfs -o mode=755 ganeti-test "$place"
done
mkdir -p -m 1777 /run/lock
mount -t sysfs sysfs /sys # shows the bridges of this network namespace
cp -a /etc/ganeti "$WORK/etc"
mount --bind "$WORK/etc" /etc/ganeti
mount --bind "$WORK/hosts" /etc/hosts
echo 'RAPI_ARGS="--require-authentication"' > "$WORK/default"
mount --bind "$WORK/default" /etc/default/ganeti

hostname "$NODE"
ip link set lo up
ip address add "$NODE_IP/32" dev lo
ip link add br0 type bridge
ip link set br0 up

mkdir -p /srv/ganeti/file-storage
cp -r "$WORK/os" /srv/ganeti/os
echo /srv/ganeti/file-storage > /etc/ganeti/file-storage-paths
/usr/lib/ganeti/ensure-dirs --full-run
install -d -o gnt-rapi -g gnt-rapi -m 750 /var/lib/ganeti/rapi
install -o gnt-rapi -g gnt-rapi -m 640 "$WORK/rapi-users" /var/lib/ganeti/rapi/users

gnt-cluster init \
  --no-ssh-init --no-etc-hosts --master-netdev=lo --master-netmask=32 \
  --enabled-hypervisors=fake,kvm --enabled-disk-templates=file,diskless \
  --ipolicy-disk-templates=file,diskless --file-storage-dir=/srv/ganeti/file-storage \
  --ipolicy-bounds-specs "min:$BOUNDS_MIN/max:$BOUNDS_MAX" --ipolicy-vcpu-ratio=64 \
  -H kvm:kvm_flag=disabled,kvm_path=/usr/bin/qemu-system-x86_64,kernel_path=,vnc_bind_address=0.0.0.0 \
  -B minmem=64,maxmem=128,vcpus=1 -N mode=bridged,link=br0 \
  --default-iallocator=hail --maintain-node-health=no --prealloc-wipe-disks=no "$CLUSTER"
# The certificate that the cluster made for itself names no host.
install -o gnt-rapi -g gnt-masterd -m 640 "$WORK/rapi.pem" /var/lib/ganeti/rapi.pem
/usr/lib/ganeti/daemon-util stop ganeti-rapi
/usr/lib/ganeti/daemon-util start ganeti-rapi
echo ready
cat > /dev/null # not exec: the first process of the namespace must reap what daemons leave
