# shellcheck shell=bash
# The packages of the operating system: which are wanted, which are missing, and how they
# come. Needs common.sh.

# Compiled parts that have no wheel for a Pi's processor come from Debian: the virtual
# environment looks at them through --system-site-packages, and nothing is ever compiled.
PACKAGES_TO_RUN=(
    python3
    python3-venv
    tzdata # time zones: alarms ring by the local clock
    python3-pyaudio # and with it libportaudio2, libasound2
    python3-systemd # readiness, watchdog and journal of the service
    libspeexdsp1 # takes our own voice out of the microphone
)

# The buttons and lights of a Raspberry Pi.
PACKAGES_ON_A_PI=(
    python3-lgpio
    python3-spidev
    alsa-utils # the levels of a sound HAT, and that they survive a restart
)

# The tests bring up a sound server with pretended cards and speak through it, and start
# services as systemd would.
PACKAGES_TO_TEST=(
    pulseaudio
    pulseaudio-utils
    libasound2-plugins
    systemd
    mosquitto # an MQTT broker, as homes have it
)

is_raspberry_pi() {
    grep -q 'Raspberry Pi' /proc/device-tree/model 2>/dev/null
}

# is_offered PACKAGE: does any configured archive have it?
is_offered() {
    apt-cache show --no-all-versions -- "$1" >/dev/null 2>&1
}

# missing_of PACKAGE…: prints those that are not installed.
missing_of() {
    local package known
    known=$(dpkg-query --show --showformat='<${Package} ${db:Status-Status}>' -- "$@" 2>/dev/null) ||
        true # it complains of those it never heard of
    for package in "$@"; do
        [[ $known == *"<$package installed>"* ]] || printf '%s\n' "$package"
    done
}

# become_root COMMAND…: run it as root, as root or through sudo; 1 where neither is possible.
become_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif may_sudo; then
        sudo -- "$@"
    else
        return 1
    fi
}

# may_sudo: sudo works without a word, or there is a person to type the password.
may_sudo() {
    have sudo || return 1
    sudo --non-interactive true 2>/dev/null && return 0
    [ -t 0 ] && [ -t 2 ] && [ -z "${CI:-}" ] && sudo --validate
}

# may_install: can become_root work?
may_install() {
    [ "$(id -u)" -eq 0 ] || may_sudo
}

# apt_command PACKAGE…: prints the words of the command. --no-remove: what we bring must not
# cost the user another package, such as the sound server of a desktop.
apt_command() {
    printf '%s\n' apt-get install --yes --no-install-recommends --no-remove "$@"
}

# install PACKAGE…: from what apt knows; if it does not know enough, it is told to look again.
install() {
    local command
    mapfile -t command < <(apt_command "$@")
    local quiet=(env DEBIAN_FRONTEND=noninteractive)
    become_root "${quiet[@]}" "${command[@]}" --quiet >&2 2>/dev/null && return 0
    say 'asking the package archives what they have now'
    become_root "${quiet[@]}" apt-get update --quiet >&2 || return 1
    become_root "${quiet[@]}" "${command[@]}" --quiet >&2
}

# system_packages_to_run: have everything that the appliance needs of the system, or end
# with what to install.
system_packages_to_run() {
    local wanted=("${PACKAGES_TO_RUN[@]}") missing
    if ! have dpkg-query; then
        _other_system
        return 0
    fi
    if is_raspberry_pi; then
        local package
        for package in "${PACKAGES_ON_A_PI[@]}"; do
            # Debian itself has not all of them; Raspberry Pi OS has.
            if [ -z "$(missing_of "$package")" ] || is_offered "$package"; then
                wanted+=("$package")
            fi
        done
    fi
    mapfile -t missing < <(missing_of "${wanted[@]}")
    [ "${#missing[@]}" -eq 0 ] && return 0
    say "this system lacks: ${missing[*]}"
    if ! may_install; then
        _explain_missing "${missing[@]}"
        exit 1
    fi
    say "installing: ${missing[*]}"
    install "${missing[@]}" || fail 'the packages could not be installed (see above)' \
        "by hand: $(_by_hand "${missing[@]}")"
}

# system_packages_to_test: like it, for what tests may use; without it they skip and say so.
system_packages_to_test() {
    have dpkg-query || return 0
    local missing
    mapfile -t missing < <(missing_of "${PACKAGES_TO_TEST[@]}")
    [ "${#missing[@]}" -eq 0 ] && return 0
    if ! may_install; then
        say "some tests will be skipped: this system lacks ${missing[*]}"
        more "to run them too: $(_by_hand "${missing[@]}")"
        return 0
    fi
    say "installing for the tests: ${missing[*]}"
    install "${missing[@]}" || say 'they could not be installed: the tests that need them will skip'
}

_explain_missing() {
    more 'You are not root, and sudo is not to be had. Please have an administrator run:'
    more ''
    more "    apt-get update && $(_by_hand "$@")"
    more ''
    more 'and then run this again.'
}

_by_hand() {
    local command
    mapfile -t command < <(apt_command "$@")
    as_words "${command[@]}"
}

_other_system() {
    /usr/bin/python3 -c 'import ensurepip, pyaudio, venv' 2>/dev/null && return 0
    fail 'this is not a Debian system, so nothing was installed. Bittern needs:' \
        'Python 3.11 or newer as /usr/bin/python3, with its venv and ensurepip modules' \
        'PyAudio for that Python, and PortAudio' \
        'on a Raspberry Pi also: lgpio and spidev for that Python' \
        'Please install them and run this again.'
}
