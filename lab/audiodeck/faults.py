"""The faults of AudioDeck: what each does, and what a watcher sees of it."""

from keepwell.demo.laboratory.faults import Fault

SLOW, ERRORS, LEAK, BUSY = "api-slow", "api-errors", "memory-leak", "processor-busy"
FLOOD, PORT = "log-flood", "port-opened"

FAULTS = (
    Fault("service-down", "The server is killed.", "Unit, process, port and HTTP checks fail."),
    Fault(SLOW, "Every answer takes 0.8 s longer.", "The health check fails on the time of the answer."),
    Fault(ERRORS, "Every request is answered with status 500.", "Every HTTP check fails and names the status 500."),
    Fault("audio-broken", "The tone file is taken away.", "The health check fails: services.audio is unavailable."),
    Fault(LEAK, "The server takes 250 MB more within seconds.", "The process check warns of memory."),
    Fault(BUSY, "The server keeps one processor busy.", "The process check warns of the processor, or fails."),
    Fault("settings-lost", "The file of the settings is overwritten by hand.", "A server that is started does not come up."),
    Fault("program-lost", "The program is empty and its sounds are gone.", "Health says that audio is unavailable."),
    Fault(
        FLOOD,
        "The server writes 20 000 lines a second into its logs.",
        "The log folder grows; rotation loses no line.",
    ),
    Fault(PORT, "The server listens on one more port.", "The audit of ports finds one that is not expected."),
    Fault("world-writable", "A file of the program can be written by everybody.", "The check of permissions fails, and so does the audit."),
    Fault("certificate-expired", "The certificate of the configuration is one that expired yesterday.", "The audit of certificates fails."),
    Fault("backup-corrupted", "A byte of the newest backup changes.", "The next proof says which backup does not restore."),
    Fault(
        "disk-filling",
        "A file of 48 MB lies in the log folder; where that is a small file system of its own, it fills it.",
        "Where it fills it, the check of that file system fails.",
    ),
)

LEAK_BYTES = 250_000_000
FLOOD_LINES = 4_000
"""Lines of each fifth of a second while that fault is on."""
