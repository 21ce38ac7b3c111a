"""What was removed or renamed upstream: since which version, when, what to use instead, and where that stands.

One tuple for each kind of thing; to add an entry is to add a line. Dates are those of the release that removed it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Removed:
    """A thing that is gone.

    ``name`` is what to look for, ``since`` the version that has it no more, ``date`` when that came out (ISO, may be shortened),
    ``instead`` what to write, ``source`` where it stands. ``within`` narrows it: the view of a column, the kinds of an API version.
    """

    name: str
    since: str
    date: str
    instead: str
    source: str
    within: tuple[str, ...] = ()

    @property
    def when(self) -> str:
        """``since MongoDB 6.0 (2022-07-19)``."""
        return f"since {self.since} ({self.date})"


_PG = "https://www.postgresql.org/docs/release/"
_K8S = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
_CHANGES = "https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/"
_MYSQL = "https://dev.mysql.com/doc/refman/8.4/en/mysql-nutshell.html"
_HELM = "https://helm.sh/docs/faq/changes_since_helm2/"
_JEP271 = "https://openjdk.org/jeps/271"
_ETCD = "https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.6.md"

COMPOSE = Removed(
    "docker-compose", "the end of Compose V1", "2023-07", "docker compose", "https://docs.docker.com/compose/releases/migrate/"
)

ALERTMANAGER = Removed(
    "/api/v1/",
    "Alertmanager 0.27",
    "2024-02-28",
    "/api/v2/ (answers with the list itself, without .data)",
    "https://github.com/prometheus/alertmanager/blob/main/CHANGELOG.md",
)

COLUMNS = (
    Removed("total_time", "PostgreSQL 13", "2020-09-24", "total_exec_time", f"{_PG}13.0/", ("pg_stat_statements",)),
    Removed("mean_time", "PostgreSQL 13", "2020-09-24", "mean_exec_time", f"{_PG}13.0/", ("pg_stat_statements",)),
    Removed("min_time", "PostgreSQL 13", "2020-09-24", "min_exec_time", f"{_PG}13.0/", ("pg_stat_statements",)),
    Removed("max_time", "PostgreSQL 13", "2020-09-24", "max_exec_time", f"{_PG}13.0/", ("pg_stat_statements",)),
    Removed("stddev_time", "PostgreSQL 13", "2020-09-24", "stddev_exec_time", f"{_PG}13.0/", ("pg_stat_statements",)),
    Removed("blk_read_time", "PostgreSQL 17", "2024-09-26", "shared_blk_read_time", f"{_PG}17.0/", ("pg_stat_statements",)),
    Removed("blk_write_time", "PostgreSQL 17", "2024-09-26", "shared_blk_write_time", f"{_PG}17.0/", ("pg_stat_statements",)),
    Removed("waiting", "PostgreSQL 9.6", "2016-09-29", "wait_event", f"{_PG}9.6.0/", ("pg_stat_activity",)),
    Removed("procpid", "PostgreSQL 9.2", "2012-09-10", "pid", f"{_PG}9.2.0/", ("pg_stat_activity",)),
    Removed("current_query", "PostgreSQL 9.2", "2012-09-10", "query", f"{_PG}9.2.0/", ("pg_stat_activity",)),
    Removed("sent_location", "PostgreSQL 10", "2017-10-05", "sent_lsn", f"{_PG}10.0/", ("pg_stat_replication",)),
    Removed("replay_location", "PostgreSQL 10", "2017-10-05", "replay_lsn", f"{_PG}10.0/", ("pg_stat_replication",)),
)
"""Columns of PostgreSQL's views."""

FUNCTIONS = (
    Removed("pg_start_backup", "PostgreSQL 15", "2022-10-13", "pg_backup_start", f"{_PG}15.0/"),
    Removed("pg_stop_backup", "PostgreSQL 15", "2022-10-13", "pg_backup_stop", f"{_PG}15.0/"),
    Removed("pg_switch_xlog", "PostgreSQL 10", "2017-10-05", "pg_switch_wal", f"{_PG}10.0/"),
    Removed("pg_current_xlog_location", "PostgreSQL 10", "2017-10-05", "pg_current_wal_lsn", f"{_PG}10.0/"),
    Removed("pg_last_xlog_receive_location", "PostgreSQL 10", "2017-10-05", "pg_last_wal_receive_lsn", f"{_PG}10.0/"),
    Removed("pg_last_xlog_replay_location", "PostgreSQL 10", "2017-10-05", "pg_last_wal_replay_lsn", f"{_PG}10.0/"),
    Removed("pg_xlog_location_diff", "PostgreSQL 10", "2017-10-05", "pg_wal_lsn_diff", f"{_PG}10.0/"),
)
"""Functions of PostgreSQL."""

STATEMENTS = (
    Removed("SHOW SLAVE STATUS", "MySQL 8.4", "2024-04-30", "SHOW REPLICA STATUS", _MYSQL),
    Removed("SHOW MASTER STATUS", "MySQL 8.4", "2024-04-30", "SHOW BINARY LOG STATUS", _MYSQL),
    Removed("SHOW SLAVE HOSTS", "MySQL 8.4", "2024-04-30", "SHOW REPLICAS", _MYSQL),
    Removed("CHANGE MASTER TO", "MySQL 8.4", "2024-04-30", "CHANGE REPLICATION SOURCE TO", _MYSQL),
    Removed("START SLAVE", "MySQL 8.4", "2024-04-30", "START REPLICA", _MYSQL),
    Removed("STOP SLAVE", "MySQL 8.4", "2024-04-30", "STOP REPLICA", _MYSQL),
    Removed("RESET SLAVE", "MySQL 8.4", "2024-04-30", "RESET REPLICA", _MYSQL),
    Removed("RESET MASTER", "MySQL 8.4", "2024-04-30", "RESET BINARY LOGS AND GTIDS", _MYSQL),
)
"""Statements of MySQL (MariaDB keeps them)."""

JVM_FLAGS = (
    *(
        Removed(flag, "JDK 9", "2017-09-21", "-Xlog:gc*:file=gc.log:time:filecount=5,filesize=10m", _JEP271)
        for flag in (
            "PrintGCTimeStamps", "PrintGCDateStamps", "UseGCLogFileRotation", "NumberOfGCLogFiles", "GCLogFileSize", "PrintHeapAtGC",
            "PrintTenuringDistribution", "PrintGCApplicationStoppedTime", "PrintGCApplicationConcurrentTime", "PrintAdaptiveSizePolicy",
            "PrintGCCause", "PrintReferenceGC",
        )
    ),
    Removed("UseConcMarkSweepGC", "JDK 14", "2020-03-17", "-XX:+UseG1GC", "https://openjdk.org/jeps/363"),
    Removed("CMSInitiatingOccupancyFraction", "JDK 14", "2020-03-17", "-XX:+UseG1GC", "https://openjdk.org/jeps/363"),
    Removed("UseParNewGC", "JDK 10", "2018-03-20", "-XX:+UseG1GC", "https://openjdk.org/jeps/214"),
    Removed("PermSize", "JDK 8", "2014-03-18", "-XX:MetaspaceSize", "https://openjdk.org/jeps/122"),
    Removed("MaxPermSize", "JDK 8", "2014-03-18", "-XX:MaxMetaspaceSize", "https://openjdk.org/jeps/122"),
)  # fmt: skip
"""Flags with which a Java virtual machine of today does not start (each tried with JDK 17)."""

API_VERSIONS = (
    Removed("extensions/v1beta1", "Kubernetes 1.22", "2021-08-04", "networking.k8s.io/v1", _K8S, ("Ingress",)),
    Removed("extensions/v1beta1", "Kubernetes 1.16", "2019-09-18", "apps/v1 or networking.k8s.io/v1", _K8S),
    Removed("apps/v1beta1", "Kubernetes 1.16", "2019-09-18", "apps/v1", _K8S),
    Removed("apps/v1beta2", "Kubernetes 1.16", "2019-09-18", "apps/v1", _K8S),
    Removed("networking.k8s.io/v1beta1", "Kubernetes 1.22", "2021-08-04", "networking.k8s.io/v1", _K8S, ("Ingress", "IngressClass")),
    Removed("rbac.authorization.k8s.io/v1beta1", "Kubernetes 1.22", "2021-08-04", "rbac.authorization.k8s.io/v1", _K8S),
    Removed("apiextensions.k8s.io/v1beta1", "Kubernetes 1.22", "2021-08-04", "apiextensions.k8s.io/v1", _K8S),
    Removed("scheduling.k8s.io/v1beta1", "Kubernetes 1.22", "2021-08-04", "scheduling.k8s.io/v1", _K8S),
    Removed("batch/v1beta1", "Kubernetes 1.25", "2022-08-23", "batch/v1", _K8S, ("CronJob",)),
    Removed("policy/v1beta1", "Kubernetes 1.25", "2022-08-23", "policy/v1", _K8S, ("PodDisruptionBudget",)),
    Removed("policy/v1beta1", "Kubernetes 1.25", "2022-08-23", "Pod Security Admission", _K8S, ("PodSecurityPolicy",)),
    Removed("discovery.k8s.io/v1beta1", "Kubernetes 1.25", "2022-08-23", "discovery.k8s.io/v1", _K8S, ("EndpointSlice",)),
    Removed("autoscaling/v2beta1", "Kubernetes 1.25", "2022-08-23", "autoscaling/v2", _K8S),
    Removed("autoscaling/v2beta2", "Kubernetes 1.26", "2022-12-09", "autoscaling/v2", _K8S),
)
"""API versions of Kubernetes; ``within`` are the kinds, empty for all."""

COMMANDS = (
    Removed(
        "apt-key", "Debian 13", "2025-08-09", "a key in /etc/apt/keyrings and signed-by", "https://manpages.debian.org/bookworm/apt/apt-key.8.en.html"
    ),
    Removed("mongo", "MongoDB 6.0", "2022-07-19", "mongosh", "https://www.mongodb.com/docs/manual/release-notes/6.0-compatibility/"),
    Removed("docker-machine", "its archiving", "2021-09-27", "a cloud's own tool, or docker context", "https://github.com/docker-archive-public/docker.machine"),
    Removed("redis-trib.rb", "Redis 5.0", "2018-10-17", "redis-cli --cluster", "https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/"),
    Removed("python2", "the end of Python 2", "2020-01-01", "python3", "https://peps.python.org/pep-0373/"),
    Removed("jhat", "JDK 9", "2017-09-21", "Eclipse Memory Analyzer", "https://openjdk.org/jeps/241"),
    Removed("jmap -heap", "JDK 9", "2017-09-21", "jhsdb jmap --heap --pid", "https://docs.oracle.com/en/java/javase/17/docs/specs/man/jhsdb.html"),
    Removed("kubectl rolling-update", "kubectl 1.18", "2020-03-25", "kubectl rollout", f"{_CHANGES}CHANGELOG-1.18.md"),
    Removed("helm init", "Helm 3", "2019-11-13", "nothing: there is no Tiller any more", _HELM),
    Removed("helm delete --purge", "Helm 3", "2019-11-13", "helm uninstall", _HELM),
    Removed("helm del --purge", "Helm 3", "2019-11-13", "helm uninstall", _HELM),
    Removed("aws ecr get-login", "AWS CLI 2", "2020-02-10", "aws ecr get-login-password | docker login --password-stdin",
            "https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html"),
    Removed("etcdctl snapshot restore", "etcd 3.6", "2025-05-15", "etcdutl snapshot restore", _ETCD),
    Removed("etcdctl snapshot status", "etcd 3.6", "2025-05-15", "etcdutl snapshot status", _ETCD),
    Removed("kafka-topics.sh --zookeeper", "Kafka 3.0", "2021-09-21", "--bootstrap-server", "https://kafka.apache.org/documentation/#upgrade_300_notable"),
    Removed("kafka-topics --zookeeper", "Kafka 3.0", "2021-09-21", "--bootstrap-server", "https://kafka.apache.org/documentation/#upgrade_300_notable"),
)  # fmt: skip
"""Programs, their subcommands and options: the words that have to be there, in this order for subcommands."""

WITHOUT_EFFECT = (
    Removed("oc sa get-token", "OpenShift 4.11", "2022-08-10", "oc create token", "https://github.com/openshift/oc/pull/1126"),
    Removed("oc serviceaccounts get-token", "OpenShift 4.11", "2022-08-10", "oc create token", "https://github.com/openshift/oc/pull/1126"),
)
"""Commands that are still there and no longer do what they did."""

NEVER_WERE = (Removed("gh pr request-review", "", "", "gh pr edit --add-reviewer OWNER/TEAM", "https://cli.github.com/manual/gh_pr_edit"),)
"""Commands that are written as if they existed."""

NET_TOOLS = (
    Removed("netstat", "", "", "ss", ""),
    Removed("ifconfig", "", "", "ip address", ""),
    Removed("route", "", "", "ip route", ""),
    Removed("arp", "", "", "ip neighbour", ""),
)
"""Programs of net-tools, which distributions no longer install by themselves."""

IMAGES = (
    *(Removed(f"postgres:{major}", "its end of life", date, "postgres:17", "https://www.postgresql.org/support/versioning/")
      for major, date in (("9", "2021-11-11"), ("10", "2022-11-10"), ("11", "2023-11-09"), ("12", "2024-11-21"), ("13", "2025-11-13"))),
    *(Removed(f"node:{major}", "its end of life", date, "node:24", "https://github.com/nodejs/release")
      for major, date in (("8", "2019-12-31"), ("10", "2021-04-30"), ("12", "2022-04-30"), ("14", "2023-04-30"), ("16", "2023-09-11"),
                          ("18", "2025-04-30"), ("20", "2026-04-30"))),
    *(Removed(f"python:{version}", "its end of life", date, "python:3.13", "https://devguide.python.org/versions/")
      for version, date in (("2", "2020-01-01"), ("3.6", "2021-12-23"), ("3.7", "2023-06-27"), ("3.8", "2024-10-07"),
                            ("3.9", "2025-10-31"))),
    Removed("mysql:5", "its end of life", "2023-10-31", "mysql:8.4", "https://www.mysql.com/support/eol-notice.html"),
    Removed("ubuntu:18.04", "its end of support", "2023-05-31", "ubuntu:24.04", "https://ubuntu.com/about/release-cycle"),
    Removed("ubuntu:20.04", "its end of support", "2025-05-31", "ubuntu:24.04", "https://ubuntu.com/about/release-cycle"),
    Removed("debian:9", "its end of support", "2022-06-30", "debian:13", "https://wiki.debian.org/LTS"),
    Removed("debian:10", "its end of support", "2024-06-30", "debian:13", "https://wiki.debian.org/LTS"),
    Removed("centos:7", "its end of life", "2024-06-30", "almalinux:9", "https://www.centos.org/centos-linux-eol/"),
    Removed("centos:8", "its end of life", "2021-12-31", "almalinux:9", "https://www.centos.org/centos-linux-eol/"),
)  # fmt: skip
"""Container images past their end; the version is compared part by part (``node:16`` covers ``node:16.3-alpine``)."""
