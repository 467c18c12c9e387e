# shellcheck shell=bash
# A process that hangs or dies is replaced.
# shellcheck disable=SC2016,SC2154

start_anew
before=$(main_pid)
inside kill -STOP "$before"
comes 'a stopped process is replaced by the watchdog' 40 sh -c "p=\$(systemctl show -P MainPID bittern.service); test \$p -ne 0 -a \$p -ne $before && systemctl is-active bittern.service"
is 'and systemd says that it was the watchdog' sh -c 'journalctl -u bittern.service _COMM=systemd | grep -i watchdog'
before=$(main_pid)
inside kill -KILL "$before"
comes 'a killed process is replaced' 20 sh -c "p=\$(systemctl show -P MainPID bittern.service); test \$p -ne 0 -a \$p -ne $before && systemctl is-active bittern.service"

# Safe mode is the last that could be replaced: nobody else would notice that it is deaf.
break_appliance
inside systemctl restart bittern.service >/dev/null 2>&1
comes 'what keeps failing ends in safe mode' 30 sh -c 'systemctl is-active bittern-safe.service && bittern status | grep -Eq "is safe mode +yes"'
before=$(main_pid bittern-safe.service)
sleep 15
is 'which goes on, longer than its watchdog waits' sh -c "test \$(systemctl show -P MainPID bittern-safe.service) = $before && bittern status"
inside kill -STOP "$before"
comes 'a stopped safe mode is replaced by its watchdog' 60 sh -c "p=\$(systemctl show -P MainPID bittern-safe.service); test \$p -ne 0 -a \$p -ne $before && systemctl is-active bittern-safe.service && bittern status | grep -Eq 'is safe mode +yes'"
is 'and systemd says that it was the watchdog' sh -c 'journalctl -u bittern-safe.service _COMM=systemd | grep -i watchdog'
inside journalctl -o short-monotonic -u bittern-safe.service _COMM=systemd >"$work/restarts"
awk '{ gsub(/[][]/, "") }
    /Failed with result .watchdog/ { failed = $1 }
    /Scheduled restart job/ && failed { waited = $1 - failed }
    END { printf "       seconds before its restart: %.1f\n", waited; exit !(waited >= 9.5) }' "$work/restarts"
statement 'after a delay: it is no loop' "$?" "$work/restarts"
mend_appliance
write_settings <<'TOML'
[speaker]
volume_percent = 60
TOML
comes 'and it still sees that there is hope: the appliance is back by itself' 40 sh -c 'systemctl is-active bittern.service && ! systemctl is-active bittern-safe.service'
write_settings </dev/null
