"""nginx as the front of the audio server: unprivileged, all its files in the laboratory's folder, plain HTTP and TLS on loopback."""

import os
import shutil
import sys
from pathlib import Path

# nginx without a master process is one process, so nothing of it outlives that one. In this mode a reload loses TLS: it is restarted.
_CONFIGURATION = """\
daemon off;
master_process off;
{user}pid run/nginx.pid;
error_log logs/nginx-error.log warn;
events {{ worker_connections 64; }}
http {{
    log_format timed '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent rt=$request_time';
    access_log logs/nginx-access.log timed;
    client_body_temp_path run/nginx-body;
    proxy_temp_path run/nginx-proxy;
    fastcgi_temp_path run/nginx-fastcgi;
    uwsgi_temp_path run/nginx-uwsgi;
    scgi_temp_path run/nginx-scgi;
    server_tokens off;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate tls/current.pem;
        ssl_certificate_key tls/front.key;
        location / {{
            proxy_pass http://127.0.0.1:{api};
            proxy_connect_timeout 2s;
            proxy_read_timeout 5s;
        }}
    }}
}}
"""

# The kernel kills nginx when the process that started it is gone: prctl(2), PR_SET_PDEATHSIG (1) with SIGKILL (9).
_TIED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])"


def find_nginx() -> str | None:
    """The path of nginx, also where sbin is not on an ordinary user's PATH; None where it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def write_configuration(folder: Path, *, api: int, http: int, https: int) -> None:
    """Writes nginx.conf for these ports. Its paths are relative to the folder (``nginx -p``), so no name needs quoting."""
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(user=user, api=api, http=http, https=https), "ascii")


def nginx_command(nginx: str, folder: Path) -> tuple[str, ...]:
    """The command that runs nginx for as long as the calling process lives."""
    return (sys.executable, "-c", _TIED, str(os.getpid()), nginx, "-p", f"{folder}/", "-e", "logs/nginx-error.log", "-c", "nginx.conf")


def use_certificate(folder: Path, name: str) -> None:
    """Makes ``tls/NAME.pem`` the certificate that nginx serves after its next start."""
    fresh = folder / "tls" / "current.new"
    shutil.copyfile(folder / "tls" / f"{name}.pem", fresh)
    fresh.replace(folder / "tls" / "current.pem")
