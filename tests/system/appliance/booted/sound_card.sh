# shellcheck shell=bash
# No sound card: growing delays, then safe mode instead of silence; it appears: all is well.
# shellcheck disable=SC2016,SC2154

start_anew
soon 10 systemctl is-active bittern.service
before=$(main_pid)
unplug_sound
comes 'a sound card that goes away shows as a fault of a process that lives on' 30 sh -c "systemctl show -P StatusText bittern.service | grep -q faulted && test \$(systemctl show -P MainPID bittern.service) = $before"
plug_sound
comes 'and is used again when it is back' 60 sh -c 'systemctl show -P StatusText bittern.service | grep -q idle && bittern status'

inside systemctl stop bittern.service
unplug_sound
began=$(inside cut -d . -f 1 /proc/uptime)
inside systemctl start bittern.service >/dev/null 2>&1
comes 'without a sound card it is tried again, a few times' 150 sh -c 'test "$(systemctl show -P Result bittern.service)" = start-limit-hit || systemctl is-active bittern-safe.service'
inside journalctl -o short-monotonic -u bittern.service _COMM=systemd >"$work/restarts"
waits=$(awk -v began="$began" '{ gsub(/[][]/, ""); if ($1 < began) next }
    /Failed with result/ { failed = $1 }
    /Scheduled restart job/ { printf "%.1f ", $1 - failed }' "$work/restarts")
printf '       seconds before each restart: %s\n' "$waits"
if steps_restarts; then
    awk '{ for (i = 2; i <= NF; i++) if ($i <= $(i - 1)) exit 1; exit !(NF >= 4 && $NF >= 4 * $1) }' <<<"$waits"
    statement 'with a delay that grows' "$?" "$work/restarts"
else
    skip 'with a delay that grows' 'this systemd has none'
fi
comes 'then safe mode begins, and waits' 30 sh -c 'systemctl is-active bittern-safe.service && systemctl show -P StatusText bittern-safe.service | grep waits'
shown sh -c 'systemctl show -P StatusText bittern-safe.service'
plug_sound
comes 'the card appears: the appliance is back' 90 sh -c 'systemctl is-active bittern.service && ! systemctl is-active bittern-safe.service && bittern status | grep -Eq "^state +idle"'

# A reason that explains itself by nothing: safe mode says so, aloud.
break_appliance
parec -d mouth.monitor --rate=24000 --channels=1 --format=s16le >"$work/sound/heard.pcm" &
recorder=$!
inside systemctl restart bittern.service >/dev/null 2>&1
comes 'what keeps failing ends in safe mode' 30 sh -c 'systemctl is-active bittern-safe.service && bittern status | grep -Eq "is safe mode +yes"'
sleep 8
kill "$recorder" 2>/dev/null
is 'its explanation is spoken' /opt/bittern/current/.venv/bin/python /mnt/clone/tests/system/appliance/booted/hears.py /mnt/sound/heard.pcm safe_mode
is 'it has the local brain alone' sh -c 'bittern ask what time is it | grep -F "[brain]"'
mend_appliance
inside sh -c 'systemctl reset-failed bittern.service && systemctl start bittern.service'
comes 'started by hand, the appliance takes over' 30 sh -c 'systemctl is-active bittern.service && ! systemctl is-active bittern-safe.service'
