# shellcheck shell=bash
# Which Python, the virtual environment, and the locked packages in it. Needs common.sh.

VENV=$REPOSITORY/.venv
VENV_PYTHON=$VENV/bin/python
OLDEST='3.11'

# Packages in the user's home come before Debian's and are not in the lock: not for us. And
# pip settings that install elsewhere than where pip runs have no place in an environment.
export PYTHONNOUSERSITE=1
unset PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT

# is_new_enough PYTHON
is_new_enough() {
    "$1" -I -S -c "import sys; sys.exit(sys.version_info < (${OLDEST/./, }))" 2>/dev/null
}

# find_python: sets PYTHON. The system's own, since PyAudio and its friends are built for it;
# another one only where that is too old, or where BITTERN_PYTHON names it, and then PyAudio
# is compiled for it.
find_python() {
    PYTHON=${BITTERN_PYTHON:-/usr/bin/python3}
    [ "$PYTHON" = /usr/bin/python3 ] && PYTHON_IS_THE_SYSTEMS=yes || PYTHON_IS_THE_SYSTEMS=no
    [ -x "$PYTHON" ] && is_new_enough "$PYTHON" && return 0
    PYTHON_IS_THE_SYSTEMS=no
    local name
    for name in python3.13 python3.12 python3.11 python3; do
        PYTHON=$(command -v "$name") && is_new_enough "$PYTHON" && return 0
    done
    fail "Bittern needs Python $OLDEST or newer." \
        "$(/usr/bin/python3 --version 2>&1) is what this system has." \
        'Debian 12, Raspberry Pi OS Bookworm and everything newer have one.'
}

# venv_is_sound: made by this Python, here, with a view of the system's packages?
# A clone that was moved, or a system that was upgraded, fails here and starts afresh.
venv_is_sound() {
    grep -q '^include-system-site-packages = true' "$VENV/pyvenv.cfg" 2>/dev/null || return 1
    [ "$(_version_of "$VENV_PYTHON")" = "$(_version_of "$PYTHON")" ] || return 1
    # The commands in it name their interpreter by its whole path.
    head -n 2 "$VENV/bin/pip" 2>/dev/null | grep -qF "$VENV/bin/"
}

_version_of() {
    "$1" -I -S -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null || echo "none: $1"
}

# must_be_ours: end if any of it belongs to somebody else (after `sudo scripts/run`, say).
must_be_ours() {
    local foreign
    foreign=$(find "$VENV" ! -type l ! -writable -print -quit 2>/dev/null) || true
    [ -z "$foreign" ] || fail "$foreign belongs to $(stat -c %U "$foreign")." \
        'Run this as that user, or have the folder .venv removed: it is made anew.'
}

# make_venv: leave a sound one alone.
make_venv() {
    venv_is_sound && return 0
    must_be_ours
    say "making the virtual environment .venv with $PYTHON ($("$PYTHON" --version))"
    "$PYTHON" -m venv --clear --system-site-packages "$VENV" >&2 ||
        fail 'the virtual environment could not be made (see above).'
}

# fingerprint LOCK: changes when anything does that the environment was made from.
fingerprint() {
    {
        "$VENV_PYTHON" --version
        uname -m
        printf '%s\n' "$REPOSITORY"
        cat -- "$1" "${BASH_SOURCE[0]}"
    } | sha256sum | cut -d ' ' -f 1
}

# install_locked NAME: the packages of requirements/NAME.txt, each checked against its hash;
# nothing to do when they were installed from the very same lock.
install_locked() {
    local lock=$REPOSITORY/requirements/$1.txt stamp=$VENV/bittern-$1.stamp now
    now=$(fingerprint "$lock")
    [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && return 0
    must_be_ours
    say "installing $(grep -c '^[a-zA-Z0-9]' "$lock") locked packages (requirements/$1.txt)"
    _pip_install --only-binary :all: --require-hashes --requirement "$lock" ||
        fail 'the packages could not be installed (see above).' \
            'If the network failed, run this again. If a hash did not match, do not.'
    printf '%s\n' "$now" >"$stamp"
}

# share_packages NAME RELEASE: when requirements/NAME.txt says the same there, have its installed
# packages here too, as hard links; install_locked then has nothing to do. Each environment
# is whole by itself: removing one leaves the other.
share_packages() {
    local lock=$REPOSITORY/requirements/$1.txt other=$2/.venv stamp=bittern-$1.stamp
    local from=("$2"/.venv/lib/python*/site-packages) to=("$VENV"/lib/python*/site-packages)
    cmp --silent -- "$lock" "$2/requirements/$1.txt" || return 0
    # Its stamp says that it was completed, from that lock.
    [ -s "$other/$stamp" ] && [ ! -e "$VENV/$stamp" ] || return 0
    [ "$(_version_of "$other/bin/python")" = "$(_version_of "$VENV_PYTHON")" ] || return 0
    say 'the packages are those of the release before: sharing them'
    if cp --archive --link --force -- "${from[0]}/." "${to[0]}/" 2>/dev/null; then
        rm -f -- "${to[0]}/bittern-clone.pth" # it names the other release
        fingerprint "$lock" >"$VENV/$stamp"
    else
        say 'they cannot be shared: installing them'
    fi
}

# What goes on is worth showing to a person, and a log only wants to know what failed.
_pip_install() {
    local how=(--disable-pip-version-check --no-deps)
    [ -t 2 ] || how+=(--quiet)
    "$VENV_PYTHON" -m pip install "${how[@]}" "$@" >&2
}

# link_project: `import device` and the command `bittern`, straight from this clone.
link_project() {
    local packages=("$VENV"/lib/python*/site-packages)
    local link=${packages[0]}/bittern-clone.pth
    if [ "$(cat "$link" 2>/dev/null)" != "$REPOSITORY" ]; then
        rm -f "$link" # it may be a hard link (share_packages)
        printf '%s\n' "$REPOSITORY" >"$link"
    fi
    # A shell script, since a path with a space in it cannot stand after #!.
    # -P: a folder called device where the user stands is not ours.
    local command
    command=$(printf '#!/bin/sh\nexec %q -P -m device "$@"' "$VENV_PYTHON")
    [ "$(cat "$VENV/bin/bittern" 2>/dev/null)" = "$command" ] && return 0
    rm -f "$VENV/bin/bittern"
    printf '%s\n' "$command" >"$VENV/bin/bittern"
    chmod +x "$VENV/bin/bittern"
}

# compile_hardware: PyAudio for a Python that Debian's packages are not built for.
compile_hardware() {
    [ "$PYTHON_IS_THE_SYSTEMS" = yes ] && return 0
    "$VENV_PYTHON" -c 'import pyaudio' 2>/dev/null && return 0
    say "compiling PyAudio for $PYTHON, which is not the system's"
    _pip_install --require-hashes --requirement "$REPOSITORY/requirements/pyaudio.txt" ||
        fail 'PyAudio could not be compiled (see above). It needs:' \
            'gcc, portaudio19-dev, and the headers of that Python'
}

# set_up NAME: the environment with the packages of requirements/NAME.txt.
set_up() {
    find_python
    make_venv
    install_locked "$1"
    compile_hardware
    link_project
}

# fetch_models: all the default ones; quick when they are there.
fetch_models() {
    "$VENV/bin/bittern" models fetch >/dev/null ||
        fail 'the models are not complete (see above): run this again to continue.'
}
