# shellcheck shell=bash
# A board by a flag of the installer: its name goes into the settings, its lines into config.txt.
# The lines stay until the removal at the end, which is to take them out.
# shellcheck disable=SC2016,SC2154

write_settings </dev/null
by_flag=(/mnt/clone/scripts/install.sh --unattended --board)
config=/boot/firmware/config.txt

is 'a board that nobody knows is refused' sh -c '! "$@" parrot 2>/root/said; tail -n 3 /root/said; grep -q "cannot be chosen" /root/said' - "${by_flag[@]}"
is 'so is one whose overlay the system lacks' sh -c '! "$@" i2s-inmp441-max98357a 2>/root/said; grep "needs the overlay googlevoicehat-soundcard" /root/said' - "${by_flag[@]}"
is '… and nothing has changed' sh -c 'test "$(cat "$0")" = dtparam=audio=on && bittern config show | grep -E "board = \"none\""' "$config"
is 'a board is chosen' "${by_flag[@]}" respeaker-2mic
is '… its name is in the settings, beside what was there' sh -c 'bittern config show | grep -E "board = \"respeaker-2mic\"" && grep "follow_up_s = 4" /etc/bittern/bittern.toml'
is '… its lines are in config.txt, below what was there' sh -c 'head -n 1 "$0" | grep -qx dtparam=audio=on && test "$(sed -n "/^# >>> bittern/,/^# <<< bittern/p" "$0" | grep -cE "^(\[all\]|dtparam=spi=on|dtoverlay=wm8960-soundcard)$")" = 3' "$config"
is '… and config.txt as it was is kept' sh -c 'test "$(cat "$0.before-bittern")" = dtparam=audio=on' "$config"
is 'a second time changes nothing' sh -c '"$@" respeaker-2mic 2>&1 | grep "nothing had to be changed"' - "${by_flag[@]}"
is 'nor does a run without the flag' sh -c '"$1" --unattended 2>&1 | grep "nothing had to be changed"' - "${by_flag[@]}"
release=$(inside readlink /opt/bittern/current)
is 'nor does the installer of the installed release, which bittern setup names' sh -c '/opt/bittern/current/scripts/install.sh --unattended --board respeaker-2mic 2>&1 | grep "nothing had to be changed" && test "$(readlink /opt/bittern/current)" = "$0"' "$release"
is 'lights and buttons that are not there do not stop the voice' sh -c 'bittern ask what time is it | grep -F "[brain]" && journalctl -u bittern.service | grep spidev0.0 && journalctl -u bittern.service | grep "buttons:"'
