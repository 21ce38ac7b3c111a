"""The words for what an item is about, as the catalogue of procedures writes them: a family, and mostly a kind behind a dot."""

_WORDS = """
api backup.database backup.files backup.incremental backup.object_store backup.offsite backup.retention
backup.verify capacity change check.alertmanager check.backup_freshness check.container check.dns
check.external_api check.host check.http check.kubernetes check.log check.port check.postgres check.process
check.promql check.redis check.s3 check.service check.tcp check.tls check.webhook checklist cleanup contacts
dashboard database.maintenance database.report database.tuning deploy diagnostics docs dr.drill dr.plan
env.audit escalate failover incident.comms incident.evidence incident.policy incident.review keys.rotate
loadtest logs.analyse logs.cleanup logs.layout logs.rotate metric notify objective report restore.config
restore.database restore.files restore.system rollback rule runbook scale schedule security.accounts
security.auth security.certificates security.network security.patterns security.permissions security.secrets
security.updates security.vulnerabilities tuning update
"""
CAPABILITIES = frozenset(_WORDS.split())


def family(capability: str) -> str:
    """The part before the dot: ``check`` of ``check.http``; the word itself where it has none."""
    return capability.partition(".")[0]
