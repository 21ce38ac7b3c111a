"""A supervisord of a test's own: what stands above its programs."""

HEAD = """\
[unix_http_server]
file={folder}/s.sock
[supervisord]
nodaemon=true
user=root
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/s.sock
"""
"""To be formatted with ``folder``."""
