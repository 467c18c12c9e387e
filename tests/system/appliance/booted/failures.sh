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
