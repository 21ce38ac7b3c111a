"""What the manual's scripts call of the machine and must not change there: the date (it is played), and the package manager."""

_DATE = """#!/bin/sh
# date(1) in the laboratory's time: options are passed on, and a date that is given counts from there.
clock={root}/run/clock
[ -r "$clock" ] || exec /bin/date "$@"
now="$(/bin/date -u -d "@$(cat "$clock")" '+%Y-%m-%d %H:%M:%S UTC')"
given=
for word in "$@"; do
    shift
    case "$word" in
        --date=*) given="${{word#--date=}}" ;;
        *) set -- "$@" "$word" ;;
    esac
done
exec /bin/date --date="$now $given" "$@"
"""

_APT = """#!/bin/sh
# apt(8) and apt-get(8): questions go to the machine's own, changes are only written down.
verb=
for word in "$@"; do
    case "$word" in
        -s|--simulate|--just-print|--dry-run) exec /usr/bin/{name} "$@" ;;
        -*) ;;
        *) [ -n "$verb" ] || verb="$word" ;;
    esac
done
case "$verb" in
    update|upgrade|install|dist-upgrade|full-upgrade)
        echo "{name} $*" >> {{root}}/run/packages
        echo "written down for the laboratory, nothing is changed: {name} $*" ;;
    *) exec /usr/bin/{name} "$@" ;;
esac
"""

MACHINE = {"date": _DATE, "apt": _APT.format(name="apt"), "apt-get": _APT.format(name="apt-get")}
"""Program to its text; ``{root}`` stands for the laboratory's root."""
