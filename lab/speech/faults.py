"""The faults of the speech laboratory: what each does, and what a watcher sees of it."""

from keepwell.demo.laboratory.faults import Fault

API_ERRORS, API_SLOW = "api-errors", "api-slow"
TRANSCRIPTION_ERRORS, TRANSCRIPTION_SLOW, TRANSCRIPTION_PAUSED = "transcription-errors", "transcription-slow", "transcription-paused"

FAULTS = (
    Fault("api-down", "The API service is killed.", "Its checks fail: connection refused."),
    Fault(API_ERRORS, "The API service answers every request with status 500.", "Its checks fail and name the status 500."),
    Fault(API_SLOW, "Every answer of the API service takes 2.5 s longer.", "Limits on its response time are exceeded."),
    Fault(
        "api-status-down",
        "The folder for uploads is taken away.",
        "The API service answers 503, its status DOWN, its component uploads DOWN.",
    ),
    Fault("transcription-down", "The transcription service is killed.", "Its checks fail: connection refused; jobs stay queued."),
    Fault(TRANSCRIPTION_SLOW, "Every answer of the transcription service takes 2.5 s longer.", "Limits on its response time are exceeded."),
    Fault(TRANSCRIPTION_ERRORS, "Every job fails.", "transcription_failures_total rises as fast as transcription_uploads_total."),
    Fault(
        "queue-grows",
        "The transcription service takes no jobs, and 40 arrive.",
        "transcription_queue_jobs rises; 40 rows of jobs are queued.",
    ),
    Fault(
        "database-down",
        "PostgreSQL is stopped at once (immediate shutdown).",
        "Both services answer 503; pg_isready says there is no response.",
    ),
    Fault("database-full", "Idle sessions take every connection of PostgreSQL.", "Both services answer 503: there are too many clients."),
    Fault("long-query", "A session of PostgreSQL runs a query without an end.", "pg_stat_activity shows a query that grows old."),
    Fault("cache-down", "Redis is killed.", "The API service answers 503, its component redis DOWN; jobs are worked off all the same."),
)

SLOW_SECONDS = 2.5
JOBS_OF_A_GROWING_QUEUE = 40
