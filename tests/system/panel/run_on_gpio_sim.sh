#!/bin/sh
# Runs test_panel_on_gpio_sim.py on simulated GPIO lines of a real kernel.
#
#   run_on_gpio_sim.sh                inside a kernel with gpio-sim, as root
#   run_on_gpio_sim.sh UML_KERNEL     boots a user-mode Linux on this machine's files, read-only,
#                                     and runs there. It is built with ARCH=um and GPIO_SIM,
#                                     CONFIGFS_FS, HOSTFS, DEVTMPFS, VIRTIO_UML and
#                                     UML_PCI_OVER_VIRTIO (without which it has no free
#                                     interrupts, and lgpio says "bad event request").
#
# PYTHON names the interpreter (default: python3); it needs pytest, gpiozero and lgpio.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
repository=$(CDPATH='' cd -- "$here/../../.." && pwd)
python=${PYTHON:-python3}

if [ $# -ge 1 ]; then
    kernel=$1
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # The guest's init is this script again; what the guest prints is the console.
    "$kernel" mem=512M root=/dev/root rootfstype=hostfs rootflags=/ ro quiet con=null con0=fd:0,fd:1 \
        "init=$here/run_on_gpio_sim.sh" "PYTHON=$python" "PYTHONPATH=${PYTHONPATH:-}" \
        "BITTERN_GUEST=1" </dev/null | tee "$log"
    grep -q '^guest: passed' "$log"
    exit
fi

if [ "${BITTERN_GUEST:-}" = 1 ]; then
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin
    # The guest goes down with its init, whatever ends it.
    trap 'echo o >/proc/sysrq-trigger; sleep 5' EXIT
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mountpoint -q /dev || mount -t devtmpfs dev /dev
    mount -t tmpfs run /run
fi

# A chip with the label and the number of lines of a Pi's, lines named after their GPIO.
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
chip=/sys/kernel/config/gpio-sim/bittern
mkdir -p $chip/bank0
echo 54 >$chip/bank0/num_lines
echo pinctrl-bcm2711 >$chip/bank0/label
echo 1 >$chip/live
lines="/sys/devices/platform/$(cat $chip/dev_name)/$(cat $chip/bank0/chip_name)"

# gpiozero asks /proc/cpuinfo which board this is; c03115 is a Pi 4.
(cat /proc/cpuinfo && printf 'Revision\t: c03115\n') >/run/cpuinfo
grep -q Revision /proc/cpuinfo || mount --bind /run/cpuinfo /proc/cpuinfo

cd /run
export BITTERN_GPIO_SIM="$lines" LG_WD=/run TMPDIR=/run HOME=/run PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$repository${PYTHONPATH:+:$PYTHONPATH}"
result=failed
if "$python" -m pytest -q -s -p no:cacheprovider --rootdir=/run -c /dev/null \
    --import-mode=importlib --color=no "$here/test_panel_on_gpio_sim.py"; then
    result=passed
fi
echo "guest: $result"
[ $result = passed ]
