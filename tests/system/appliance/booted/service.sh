# shellcheck shell=bash
# The service starts, says what it does, takes orders, hears and speaks.
# shellcheck disable=SC2016,SC2154

comes 'the service is ready: sound arrives and is scored' 20 systemctl is-active bittern.service
is 'it says what it does' sh -c 'systemctl show -P StatusText bittern.service | grep -q idle'
is 'it takes orders from root' bittern status
is 'it refuses another user' sh -c 'setpriv --reuid 65534 --regid 65534 --clear-groups bittern status 2>&1 | grep "may not"'
is 'it serves a member of its group' sh -c 'setpriv --reuid 65534 --regid 65534 --groups "$(getent group bittern | cut -d: -f3)" bittern status'
is 'whoever may not look finds no faults that are none' sh -c 'setpriv --reuid 65534 --regid 65534 --clear-groups bittern doctor >/root/said 2>&1; ! grep -E "^(BAD|warning) +(model|notices|settings|key|endpoint openai|disk)" /root/said'
is 'a sentence is spoken' bittern say the washing machine is ready
newer='^$'
steps_restarts || newer="Unknown key .*Restart(Steps|MaxDelaySec|Mode)"
is 'the units are clean' sh -c 'cd /etc/systemd/system && ! systemd-analyze verify bittern*.service bittern*.socket bittern*.path bittern*.timer 2>&1 | grep bittern | grep -vE "$0"' "$newer"

if [ -c /dev/gpiochip0 ]; then
    is 'the user of the service may use GPIO lines' setpriv --reuid bittern --init-groups test -w /dev/gpiochip0
else
    skip 'lights and buttons on GPIO lines' 'this kernel has none; see tests/system/panel/run_on_gpio_sim.sh'
fi
