# shellcheck shell=bash
# From the service's user, and from any other, to root: there is no way. Comes after "updates",
# whose saved copies the reset at the end must find.
# shellcheck disable=SC2016,SC2154

start_anew
soon 20 systemctl is-active bittern.service
as_service=(setpriv --reuid bittern --regid bittern --clear-groups)
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

is 'only root may change the models, or where they lie' sh -c 'test "$(stat -c %U:%a /var/lib /var/lib/bittern-models | tr "\n" " ")" = "root:755 root:755 " && test -z "$(find /var/lib/bittern-models ! -user root -print -quit)"'
is 'the user of the service can neither write there nor move it away' "${as_service[@]}" sh -c '! touch /var/lib/bittern-models/x && ! mv /var/lib/bittern-models /var/lib/bittern/models'
inside sh -c 'find /etc ! -type d -printf "%p %T@ %s\n" | grep -v "^/etc " | sort >/root/etc-before'
# What once made code run as root: a link of the user's where root then wrote.
inside "${as_service[@]}" sh -c 'rm -rf /var/lib/bittern/models; ln -s /etc /var/lib/bittern/models; ln -s /etc/ld.so.preload /var/lib/bittern/.house.sqlite3.update; ln -sf /etc/ld.so.preload /var/lib/bittern/house.sqlite3-journal'
is 'links that it puts where root once wrote: the repair goes on' /mnt/clone/scripts/install.sh --unattended
is '… they have led nobody astray' sh -c 'find /etc ! -type d -printf "%p %T@ %s\n" | grep -v "^/etc " | sort | diff /root/etc-before - && test ! -e /etc/ld.so.preload'
is '… and the one in the place of the models is gone' sh -c '! test -L /var/lib/bittern/models'
inside "${as_service[@]}" sh -c 'rm -f /var/lib/bittern/house.sqlite3-journal /var/lib/bittern/.house.sqlite3.update; mkdir -p /var/lib/bittern/models'
is 'root fetches no models into a folder of the service' sh -c '! BITTERN_MODELS=/var/lib/bittern/models bittern models fetch 2>/root/said; grep "not safe to write to: /var/lib/bittern belongs to bittern" /root/said'
inside "${as_service[@]}" rmdir /var/lib/bittern/models

model=$(inside sh -c 'ls /var/lib/bittern-models/whisper-tiny.en/*.onnx | head -n 1')
inside sh -c 'cp --preserve "$0" /root/model && printf X | dd of="$0" bs=1 seek=1000 conv=notrunc status=none && touch -r /root/model "$0" && systemctl stop bittern-brain.service' "$model"
is 'a model that was changed behind its size and date is not loaded' sh -c 'bittern ask what time is it >/dev/null 2>&1; journalctl -u bittern-brain.service | grep "damaged: it is not the pinned one"'
inside sh -c 'cp --preserve /root/model "$0" && systemctl reset-failed bittern-brain.service; systemctl restart bittern-brain.socket' "$model"
is '… and loaded when it is what it was' sh -c 'bittern ask what time is it | grep -F "[brain]"'

is 'no other user can take the lock of updates' "${as_nobody[@]}" sh -c '! flock --nonblock /opt/bittern/updates/lock true'
is 'nor that of the installer' "${as_nobody[@]}" sh -c '! flock --nonblock /run/bittern-setup.lock true && flock --nonblock /opt/bittern/current/scripts true'
is 'who holds it is told' sh -c 'flock --no-fork /opt/bittern/updates/lock sleep 20 & sleep 1; bittern update rollback 2>&1 | tee /dev/stderr | grep -E "another update is at work: .*\(process [0-9]+ of root\)" && "$0" --unattended 2>&1 | grep -E "process [0-9]+ of root"; status=$?; kill $!; exit $status' /mnt/clone/scripts/install.sh
is 'no port is open, and none has been' sh -c '! cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 | awk "{ print \$8 }" | grep -qx "$(id -u bittern)"'

# The button, as the appliance does it.
is 'updates have saved data of the house' sh -c 'mkdir -p /opt/bittern/updates/saved/0123456789ab && echo secret-of-the-house >/opt/bittern/updates/saved/0123456789ab/bittern.toml; ls -A /opt/bittern/updates/saved'
inside sh -c 'echo "# secret-of-the-house" >>/etc/bittern/bittern.toml; echo secret-of-the-house >/etc/bittern/.bittern.a1b2c3'
inside "${as_service[@]}" touch /var/lib/bittern/factory-reset
comes 'a factory reset finds every copy' 60 sh -c 'test ! -e /var/lib/bittern/factory-reset && test -z "$(ls -A /opt/bittern/updates/saved)" && ! grep -rqs secret-of-the-house /etc/bittern /var/lib/bittern /opt/bittern/updates'
write_settings </dev/null
start_anew
