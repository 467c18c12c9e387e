# shellcheck shell=bash
# Updates: two releases are made of a copy of the clone and signed, a good one and one whose
# service ends at once. The good one is also installed with the power cut (the container
# killed, and booted again) right after the link was switched.
# shellcheck disable=SC2016,SC2154  # for the shell inside; set by run_booted.sh

make_releases() {
    local version copy
    [ -x "${BITTERN_PYTHON:-$clone/.venv/bin/python}" ] || "$clone/scripts/environment" || return 1
    ssh-keygen -q -t ed25519 -N '' -C maker -f "$work/maker"
    for version in 0.9.1 0.9.2 0.9.3; do
        copy=$work/clone-$version
        cp -r "$work/clone" "$copy"
        sed -i "s/^version = .*/version = \"$version\"/" "$copy/pyproject.toml"
        sed -i "s/^__version__ = .*/__version__ = \"$version\"/" "$copy/device/__init__.py"
        if [ "$version" = 0.9.1 ]; then
            sed -i 's#^ExecStart=.*#ExecStart=/bin/false#' "$copy/systemd/bittern.service"
        fi
        git -C "$copy" init -q
        git -C "$copy" add .
        git -C "$copy" -c user.name=maker -c user.email=maker@localhost commit -q -m "Release $version"
        (cd "$copy" && "${BITTERN_PYTHON:-$clone/.venv/bin/python}" -m device update make \
            --key "$work/maker" --out "$work/merged/srv/releases/$version" >/dev/null)
    done
    read -r kind public _ <"$work/maker.pub"
    printf 'bittern-release namespaces="bittern-release" %s %s\n' "$kind" "$public" \
        >"$work/merged/root/signers"
}

release_now() {
    basename "$(readlink "$work/merged/opt/bittern/current")"
}

# The power goes as soon as the link names another release, and comes back.
cut_after_switch() {
    local before updater running
    before=$(release_now)
    inside bittern update apply --from /srv/releases/0.9.2 >"$work/out" 2>&1 &
    updater=$!
    while [ "$(release_now)" = "$before" ]; do
        kill -0 "$updater" 2>/dev/null || return 1
        sleep 0.02
    done
    # The updater first: it must not see its systemd go, and draw conclusions.
    # Of this container alone: another may be at the same work on this machine.
    mapfile -t running < <(pgrep --ns "$init" --nslist pid -f 'update apply --from /srv/releases/0.9.2')
    kill -KILL "${running[@]}" "$init" "$container"
    wait "$updater" "$container" 2>/dev/null
    unplug_sound
    test -e "$work/merged/opt/bittern/updates/journal.json" || return 1
    boot
}

if ! inside sh -c 'command -v ssh-keygen' >/dev/null || ! command -v ssh-keygen >/dev/null; then
    skip 'updates' 'there is no ssh-keygen (package openssh-client)'
    return 0
fi
make_releases
first=$(release_now)
is 'without a list of trusted keys there are no updates' sh -c 'bittern update check --from /srv/releases/0.9.2 2>&1 | grep "nobody.s releases are trusted"'
inside sh -c 'printf "bittern-release ssh-ed25519 %s\n" AAAAC3NzaC1lZDI1NTE5AAAAIJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJ >/etc/bittern/release_signers'
is 'a release by somebody else is refused' sh -c '! bittern update apply --from /srv/releases/0.9.2 2>"/root/said"; grep "not signed by anybody" /root/said'
inside cp /root/signers /etc/bittern/release_signers
is 'a newer release is offered' sh -c 'bittern update check --from /srv/releases/0.9.1 | grep 0.9.1'
is 'a release that does not get ready' sh -c '! bittern update apply --from /srv/releases/0.9.1 2>/root/said; tail -n 3 /root/said; grep -q "is not in use" /root/said'
is '… goes back by itself: the release before it is in use' test "$first" = "$(release_now)"
comes '… and ready' 60 sh -c 'systemctl is-active bittern.service && bittern status | tee /dev/stderr | grep -q idle'
is '… and the timer would leave it alone' sh -c 'bittern update apply --automatic --from /srv/releases/0.9.1 | grep "given up before"'
cut_after_switch
statement 'the power goes right after the link was switched, and comes back' "$?" "$work/out"
comes '… and the new release proves itself, and is kept' 120 sh -c 'test ! -e /opt/bittern/updates/journal.json && bittern update status | grep "current *0.9.2" && bittern status | grep -q 0.9.2'
shown journalctl --no-pager -o cat -u bittern-update-guard.service
is '… and an older one is not taken any more' sh -c '! bittern update apply --from /srv/releases/0.9.1 2>/root/said; grep "0.9.2 was offered before" /root/said'
is 'the packages of both are the same files' sh -c 'cd /opt/bittern/releases && test "$(stat -c %i */.venv/lib/python*/site-packages/numpy/__init__.py | sort -u | wc -l)" = 1'
is 'rollback brings the first one back' bittern update rollback
is '… which is in use, and ready' sh -c "test \$(basename \$(readlink /opt/bittern/current)) = $first && systemctl is-active bittern.service"
is 'a muted appliance is not restarted: that would open its microphone' sh -c 'bittern mute; timeout --signal=TERM 120 bittern update rollback >/root/said 2>&1; bittern unmute; grep "waiting: the appliance is muted" /root/said'
is '… and ended while it waits, the update is undone' sh -c "test \$(basename \$(readlink /opt/bittern/current)) = $first && test ! -e /opt/bittern/updates/journal.json && systemctl is-active bittern.service"
is 'the timer is there, and off' sh -c 'test "$(systemctl is-enabled bittern-update.timer)" = disabled'
inside sh -c 'printf "[update]\nurl = \"/srv/releases/0.9.3\"\n" >>/etc/bittern/bittern.toml'
# There while somebody wants it.
inside systemd-run --quiet --unit=asks --property=Wants=bittern-fetch.socket --property=After=bittern-fetch.socket sleep 60
is 'who fetches may be asked by root alone' sh -c 'test "$(stat -c "%U %a" /run/bittern-fetch.sock)" = "root 600"'
is '… and is nobody, who sees nothing of the appliance' sh -c 'printf "GET file:///etc/bittern/bittern.toml HTTP/1.0\r\n\r\n" | python3 -c "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(\"/run/bittern-fetch.sock\"); s.sendall(sys.stdin.buffer.read()); print(s.recv(9999))" | tee /dev/stderr | grep -q "only addresses of the web"'
inside systemctl stop asks.service
is 'what the timer starts has no network' sh -c 'systemctl show -p PrivateNetwork --value bittern-update.service | grep -x yes'
is 'what the timer starts installs a release, from within its sandbox' systemctl start bittern-update.service
is '… which is in use, and ready' sh -c 'bittern update status | grep "current *0.9.3" && systemctl is-active bittern.service'
is '… and nobody fetches any more' sh -c '! systemctl is-active bittern-fetch.socket'
is '… and of the three releases two are kept' sh -c 'test "$(ls /opt/bittern/releases | wc -l)" = 2'
is '… and 1.1 for who fetches' systemd-analyze security --threshold=11 bittern-fetch@x.service
for unit in bittern-update bittern-update-guard bittern-reset bittern-fetch@x; do
    shown sh -c "systemd-analyze security --no-pager $unit.service | tail -n 1"
done
is 'the sandbox: 2.0 or less for what installs updates, which becomes another user and has no network' systemd-analyze security --threshold=20 bittern-update.service
is '… and 2.0 or less for what ends one that was cut off' systemd-analyze security --threshold=20 bittern-update-guard.service
inside rm -r /srv/releases
