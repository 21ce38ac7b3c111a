"""How the operated host is broken, beyond what the speech laboratory does itself: shell text for root, and the text that ends it.

A fault may have an argument (``disk-full /srv``), which is ``$1`` of its texts.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What brings a fault about, and what ends it."""

    breaks: str
    repairs: str


def _stopped(unit: str) -> Change:
    return Change(f"systemctl stop {unit}", f"systemctl start {unit}")


def _flag(name: str) -> Change:
    return Change(f"touch /opt/audiodeck/faults/{name}", f"rm /opt/audiodeck/faults/{name}")


def _moved(path: str) -> Change:
    return Change(f"mv {path} {path}.away", f"mv {path}.away {path}")


_FILL = """
set -- "$1" $(df -B1 --output=size,used "$1" | tail -n 1)
fallocate -l $(($2 * 96 / 100 - $3)) "$1/filled"
"""
# Its session is preferred to all others (sched(7), autogroups), so that it runs away on a busy machine, too.
_RUNAWAY = """
for number in 1 2 3; do
    systemd-run --quiet --unit=runaway-$number bash -c 'echo -19 > /proc/self/autogroup || :; while :; do :; done' audiodeck-server-worker
done
"""
# As a host is told its figures by lxcfs: a file of our own lies over the kernel's. To really fill memory would take it from everybody.
_SHORT = """
sed -E 's/^(MemAvailable:|MemFree:) +[0-9]+/\\1 1024/' /proc/meminfo > /run/meminfo
mount --bind /run/meminfo /proc/meminfo
"""
PUBLISH = """
# The source of packages as apt wants it (deb822), and apt's own list of it renewed. One package is in it: older than it is
# installed here, or, with an argument, in a version with that behind it.
cd /srv/security
{
    dpkg-query -W -f 'Package: ${Package}\\nVersion: ${Version}'"${1:-~1}"'\\nArchitecture: ${Architecture}\\n' hostname
    printf 'Maintainer: nobody\\nFilename: ./none.deb\\nSize: 1\\nSHA256: %064d\\nDescription: none\\n' 0
} > Packages
{
    echo 'Suite: stable-security'
    echo 'Codename: stable-security'
    LC_ALL=C date -u '+Date: %a, %d %b %Y %H:%M:%S UTC'
    echo 'SHA256:'
    echo " $(sha256sum < Packages | cut -d ' ' -f 1) $(stat -c %s Packages) Packages"
} > Release
apt-get -qq update
"""
# The local table is looked at first; datagrams must meet a rule before it.
_NO_DATAGRAMS = "ip rule add pref 9 lookup local; ip rule add pref 5 ipproto udp prohibit; ip rule del pref 0 lookup local"
_DATAGRAMS = "ip rule add pref 0 lookup local; ip rule del pref 5; ip rule del pref 9"
_EMPTY_PROMETHEUS = """
systemctl stop lab-prometheus
mv /srv/prometheus /srv/prometheus.away
cp /srv/prometheus.yml /srv/prometheus-full.yml
cp /srv/prometheus-empty.yml /srv/prometheus.yml
systemctl start lab-prometheus
"""
_FULL_PROMETHEUS = """
systemctl stop lab-prometheus
rm -r /srv/prometheus
mv /srv/prometheus.away /srv/prometheus
mv /srv/prometheus-full.yml /srv/prometheus.yml
systemctl start lab-prometheus
"""
# A folder that may be a mount point is not moved: what is mounted there is kept elsewhere meanwhile.
_GONE = """
if mountpoint --quiet "$1"; then mkdir /run/kept; mount --bind "$1" /run/kept; umount "$1"; rmdir "$1"; else mv "$1" "$1.away"; fi
"""
_BACK = """
if mountpoint --quiet /run/kept; then mkdir "$1"; mount --bind /run/kept "$1"; umount /run/kept; rmdir /run/kept; else mv "$1.away" "$1"; fi
"""
_ALERT = """
curl -fsS -X POST -H 'Content-Type: application/json' -d '[{"labels": {"alertname": "QueueGrows"}}]' http://127.0.0.1:9093/api/v2/alerts
"""
_NO_ALERT = """
ended=$(date -u +%Y-%m-%dT%H:%M:%SZ)
curl -fsS -X POST -H 'Content-Type: application/json' \\
    -d '[{"labels": {"alertname": "QueueGrows"}, "endsAt": "'$ended'"}]' http://127.0.0.1:9093/api/v2/alerts
"""

SHELL = {
    "audio-stopped": _stopped("audiodeck"),
    "audio-errors": _flag("api-errors"),
    "audio-slow": _flag("api-slow"),
    "memory-leak": _flag("memory-leak"),
    "audio-broken": _moved("/opt/audiodeck/audio/tone.wav"),
    "devices-gone": _moved("/opt/audiodeck/devices.json"),
    "network-broken": Change(_NO_DATAGRAMS, _DATAGRAMS),
    "runaway-worker": Change(_RUNAWAY, "systemctl stop runaway-1 runaway-2 runaway-3"),
    "disk-full": Change(_FILL, 'rm "$1/filled"'),
    "memory-short": Change(_SHORT, "umount /proc/meminfo"),
    "names-stopped": _stopped("lab-names"),
    "names-forgotten": Change(
        "mv /srv/names /srv/names.away; systemctl kill --signal=HUP lab-names",
        "mv /srv/names.away /srv/names; systemctl kill --signal=HUP lab-names",
    ),
    "front-stopped": _stopped("lab-front"),
    "certificate-expired": Change(
        "cp /srv/tls/expired.pem /srv/tls/current.pem; systemctl restart lab-front",
        "cp /srv/tls/valid.pem /srv/tls/current.pem; systemctl restart lab-front",
    ),
    "prometheus-stopped": _stopped("lab-prometheus"),
    "prometheus-empty": Change(_EMPTY_PROMETHEUS, _FULL_PROMETHEUS),
    "alertmanager-stopped": _stopped("lab-alertmanager"),
    "alert-active": Change(_ALERT, _NO_ALERT),
    "security-update": Change("bash -eu /srv/publish +urgent1", "bash -eu /srv/publish"),
    "account-gone": Change("userdel audiodeck", "useradd --system audiodeck"),
    "world-writable": Change("chmod o+w /opt/audiodeck/devices.json", "chmod o-w /opt/audiodeck/devices.json"),
    "file-gone": Change('mv "$1" "$1.away"', 'mv "$1.away" "$1"'),
    "folder-gone": Change(_GONE, _BACK),
    "refused-logins": Change('cp "$1" "$1.away"; echo "authentication failed for root" >> "$1"', 'mv "$1.away" "$1"'),
}
