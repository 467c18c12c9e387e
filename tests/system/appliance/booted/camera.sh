# shellcheck shell=bash
# The eyes: a picture is taken by nobody, in a unit of its own that is gone behind it.
# shellcheck disable=SC2016,SC2154

is 'where the settings name no camera nothing listens for pictures' sh -c '! systemctl is-active bittern-camera.socket'
inside sh -c 'mkdir -p /srv/pictures && cp /mnt/clone/tests/data/pictures/pattern.jpg /srv/pictures/door.jpg && chmod 644 /srv/pictures/door.jpg'
write_settings <<'TOML'
[camera]
command = ["cat", "/srv/pictures/door.jpg"]
TOML
is 'that nothing listens for pictures is said with what to do' sh -c '! bittern camera check >/root/said; grep "enable --now bittern-camera.socket" /root/said'
inside systemctl start bittern-camera.socket
is 'a camera that the settings name is one' bittern camera check
inside systemctl reload bittern.service
as_service=(setpriv --reuid bittern --regid bittern --init-groups)
take='import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect("/run/bittern-camera.sock"); data = b"".join(iter(lambda: s.recv(65536), b"")); sys.exit(data != open("/srv/pictures/door.jpg", "rb").read())'
is 'the user of the service gets one picture' "${as_service[@]}" python3 -c "$take"
is 'somebody else gets none' sh -c '! setpriv --reuid 65534 --regid 65534 --clear-groups python3 -c "$0" 2>/root/said; grep -i "permission" /root/said' "$take"
comes '… and the process that took it is gone' 10 sh -c '! systemctl list-units --no-legend "bittern-camera@*.service" | grep .'
is 'nothing of it is left on the disk' sh -c '! find / -xdev \( -path /proc -o -path /sys -o -path /srv -o -path /mnt -o -path "/opt/bittern/releases" -o -path /root \) -prune -o -name "*.jpg" -newer /srv/pictures/door.jpg -print | grep .'
# What it may reach, tried from within.
write_settings <<'TOML'
[camera]
command = ["sh", "-c", "id -u; ls /var/lib/bittern /run/bittern /etc/bittern/credentials 2>&1; cat < /dev/tcp/127.0.0.1/22; touch /srv/pictures/x 2>&1; arecord -l 2>&1"]
TOML
look='import socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/bittern-camera.sock"); print(b"".join(iter(lambda: s.recv(65536), b"")).decode())'
is 'it is a user of nobody, who sees no key, no list and no order' sh -c '"$@" | tee /root/seen | head -n 1 | grep -E "^6[0-9]{4}$" && test "$(grep -cE "ermission denied|o such file|annot open" /root/seen)" -ge 3' - "${as_service[@]}" python3 -c "$look"
is '… and writes nowhere' sh -c 'grep -E "touch: .*(Read-only|ermission)" /root/seen && test ! -e /srv/pictures/x'
shown sh -c 'systemd-analyze security --no-pager bittern-camera@x.service | tail -n 1'
is 'the sandbox: 1.0 or less' systemd-analyze security --threshold=10 bittern-camera@x.service
inside systemctl stop bittern-camera.socket
inside rm -r /srv/pictures
write_settings </dev/null
inside systemctl reload bittern.service
