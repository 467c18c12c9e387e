#!/usr/bin/env bash
# The appliance's programs on an emulated 64-bit ARM: the locked packages with their hashes,
# every import, one wake word heard, one question answered by the brain.
#
#   tests/system/appliance/run_arm64.sh FOLDER [SUITE]
#
# FOLDER is where the ARM system is made (600 MB; kept, and used again). SUITE is trixie
# (Python 3.13, the default) or bookworm (3.11). The models are those of the store of this
# clone; BITTERN_RECORDINGS names recordings of people, without which the brain's voice says
# the wake word.
#
# Needs root, mmdebstrap and qemu-aarch64-static (package qemu-user-static); no binfmt. It
# shows that things work, not how fast: this is some hundred times slower than a Pi. Nothing
# of the host's /sys is shown inside: onnxruntime would take its processor for an ARM, and
# crash. Prints "ok …" or "not ok …"; ends with 0 when all are true.
# shellcheck disable=SC2317  # functions are called by statement
set -uo pipefail

suite=${2:-trixie}
here=$(dirname -- "$(readlink -f -- "$0")")
clone=$(cd -- "$here/../../.." && pwd -P)
python=$clone/.venv/bin/python
case $suite in
trixie) version=3.13 ;;
bookworm) version=3.11 ;;
*) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac
mkdir -p "$1"
root=$(readlink -f -- "$1")/$suite
models=$("$python" -c 'from device.models.location import store_folder; print(store_folder())')
recording=${BITTERN_RECORDINGS:+$BITTERN_RECORDINGS/wake/single/hey_jarvis.flac}
failed=0

# Only unpacked: to set it up, its programs would have to run, slowly, and Python needs none.
make_root() {
    [ -e "$root/usr/bin/python$version" ] && return
    mmdebstrap --quiet --variant=extract --architectures=arm64 \
        --include=python3,python3-pyaudio,python3-systemd,tzdata,ca-certificates,libstdc++6,libgomp1 \
        "$suite" "$root" || exit 2
    local folder
    for folder in bin sbin lib; do
        [ -e "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"
    done
    mkdir -p "$root"/{dev,proc,tmp,run,mnt/clone,mnt/models,opt/packages}
    cp "$(command -v qemu-aarch64-static)" "$root/usr/bin/"
}

install_packages() {
    "$python" "$here/arm64/locked_for.py" "$clone/requirements/run.txt" "$version" >"$root/locked.txt" || return
    cmp --silent "$root/locked.txt" "$root/installed.txt" && return
    rm -rf "$root/opt/packages"
    local abi=cp${version/./}
    # What Python a package wants, pip 23 asks of this machine's instead of that one's.
    "$python" -m pip install --ignore-requires-python --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile \
        --only-binary :all: --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
        --python-version "$version" --implementation cp --abi "$abi" --abi abi3 --abi none \
        --target "$root/opt/packages" --requirement "$root/locked.txt" &&
        cp "$root/locked.txt" "$root/installed.txt"
}

# on_arm ARGUMENT…: Python of the ARM system, with our clone and the packages.
on_arm() {
    # shellcheck disable=SC2016  # for the shell inside
    unshare --mount --pid --fork --kill-child bash -c 'root=$1; shift
        mount --make-rprivate / && mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" &&
        mount --bind -o ro "$1" "$root/mnt/clone" && mount --bind -o ro "$2" "$root/mnt/models" || exit 2
        shift 2
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 \
            PYTHONPATH=/mnt/clone:/opt/packages BITTERN_MODELS=/mnt/models \
            chroot "$root" /usr/bin/qemu-aarch64-static /usr/bin/python3 "$@"' \
        on_arm "$root" "$clone" "$models" "$@" </dev/null
}

# statement TEXT COMMAND…: what it prints is shown, but for what emulation makes it complain of.
statement() {
    local status
    "${@:2}" >"$root/tmp/out" 2>&1
    status=$?
    grep -v -i cpuinfo "$root/tmp/out" | tail -n 15 | cut -c 1-160 | sed 's/^/       /'
    if [ "$status" -eq 0 ]; then
        printf 'ok     %s\n' "$1"
    else
        printf 'not ok %s\n' "$1"
        failed=1
    fi
}

a_wake_word() {
    if [ -r "$recording" ]; then
        cp "$recording" "$root/tmp/wake.flac"
    else
        "$python" -c 'import sys, numpy, soundfile
from device.audio.sounds import brain_voice
sound = brain_voice()("hey jarvis")
soundfile.write(sys.argv[1], numpy.pad(sound, (24_000, 24_000)), 24_000)' "$root/tmp/wake.flac"
    fi
}

wake_word_is_heard() {
    a_wake_word || return
    on_arm -P -m device wake score --json --word 'hey jarvis' /tmp/wake.flac | tee "$root/tmp/score"
    grep -q '"detections": \[{"word": "hey jarvis"' "$root/tmp/score"
}

brain_answers() {
    rm -f "$root/run/brain.sock"
    on_arm -u -P -m device brain --listen unix:/run/brain.sock >"$root/tmp/brain" 2>&1 &
    local brain=$! waited
    for waited in $(seq 3600); do # a busy machine is slower yet
        grep -q '^ready:' "$root/tmp/brain" && break
        kill -0 "$brain" 2>/dev/null || break
        sleep 1
    done
    printf 'ready after %s s\n' "$waited"
    "$python" "$here/arm64/ask_brain.py" "$root/run/brain.sock" 'what is twelve times twelve' | tee "$root/tmp/answer"
    local status=${PIPESTATUS[0]}
    kill "$brain" 2>/dev/null
    wait "$brain" 2>/dev/null
    [ "$status" -eq 0 ] || cat "$root/tmp/brain"
    [ "$status" -eq 0 ] && grep -qi 'forty-four\|144' "$root/tmp/answer"
}

make_root
statement "the locked packages have wheels for Python $version on aarch64, with the right hashes" install_packages
statement 'everything can be imported' on_arm -P /mnt/clone/tests/system/appliance/arm64/imports.py
statement 'a wake word is heard' wake_word_is_heard
statement 'the brain answers a question, aloud' brain_answers
exit "$failed"
