"""Which options of well-known programs take a value, so that operands can be told from them (each program's manual page).

A program that is absent here has no option that takes a value as a word of its own, as far as this reading knows.
"""


def _values(short: str = "", long: str = "") -> frozenset[str]:
    return frozenset((*(f"-{letter}" for letter in short), *(f"--{name}" for name in long.split())))


_KUBECTL = _values(
    "nlfocpLk",
    "namespace selector filename output container context kubeconfig patch type tail since since-time replicas field-selector grace-period "
    "timeout sort-by template user cluster server token as as-group for from-literal from-file image port target-port cert key ca-cert",
) - {"--as-group=x"}
_COMPOSE = _values("fpe", "file project-name env-file profile project-directory scale timeout tail since until index user workdir")
_DOCKER = _values(
    "vepnuwmlHc",
    "volume env publish name network user workdir memory label host format filter tail since until env-file entrypoint mount restart cpus add-host "
    "log-driver log-opt hostname platform time signal",
) | {"-f", "-t"}
_POSTGRES = _values("hpUdcfovFtTnNEjbxLP", "host port username dbname command file output variable format jobs table schema role") - {"-c-"}
_MYSQL = _values("hPuDeS", "host port user database execute socket protocol defaults-file defaults-extra-file default-character-set")
_SSH = _values("ioplLRDJFbcEeImOQSWw")

VALUES: dict[str, frozenset[str]] = {
    "awk": _values("Fvf", "field-separator assign file"),
    "gawk": _values("Fvf", "field-separator assign file"),
    "aws": _values(
        "",
        "region profile output query endpoint-url exclude include acl storage-class bucket key prefix user-name access-key-id policy-arn metric-name "
        "namespace start-time end-time period statistics dimensions sse expires-in body filters instance-ids group-name log-group-name db-instance-identifier "
        "db-snapshot-identifier snapshot-id volume-id auto-scaling-group-name service cluster desired-count function-name topic-arn message subject",
    ),
    "certbot": _values("dwm", "cert-name domain webroot-path email deploy-hook pre-hook post-hook config-dir"),
    "chown": _values("", "reference from"),
    "crontab": _values("u"),
    "curl": _values(
        "AbcCdDeEFhHKmoPQrtTuUwxXyYz",
        "user-agent cookie cookie-jar continue-at data data-binary data-raw data-urlencode data-ascii dump-header referer cert form header config "
        "max-time output request range upload-file user proxy write-out connect-timeout retry retry-delay retry-max-time url cacert capath key "
        "key-type cert-type resolve interface limit-rate max-redirs unix-socket json url-query retry-connrefused-x stderr trace trace-ascii "
        "proxy-user noproxy ciphers tls-max output-dir netrc-file oauth2-bearer aws-sigv4 connect-to expect100-timeout keepalive-time",
    ),
    "cut": _values("bcdf", "bytes characters delimiter fields output-delimiter"),
    "date": _values("drf", "date reference file"),
    "df": _values("txB", "type exclude-type block-size output-x"),
    "dig": _values("bfkpqtx"),
    "docker": _DOCKER,
    "docker-compose": _COMPOSE,
    "podman": _DOCKER,
    "du": _values("dBtX", "max-depth block-size threshold exclude exclude-from files0-from"),
    "find": frozenset(
        f"-{name}"
        for name in [
            "name",
            "iname",
            "path",
            "ipath",
            "regex",
            "iregex",
            "type",
            "size",
            "mtime",
            "mmin",
            "atime",
            "amin",
            "ctime",
            "cmin",
            "newer",
            "perm",
            "user",
            "group",
            "maxdepth",
            "mindepth",
            "exec",
            "execdir",
            "ok",
            "okdir",
            "printf",
            "fprintf",
            "fprint",
            "fls",
            "uid",
            "gid",
            "links",
            "inum",
            "fstype",
            "anewer",
            "cnewer",
            "lname",
            "samefile",
            "wholename",
            "regextype",
        ]
    )
    - {"-exec", "-execdir", "-ok", "-okdir"},
    "git": _values("CcbmuB", "git-dir work-tree branch message since until author format depth"),
    "grep": _values("efmABCdD", "regexp file max-count after-context before-context context include exclude exclude-dir exclude-from"),
    "egrep": _values("efmABC", "regexp file max-count"),
    "zgrep": _values("efmABC", "regexp file max-count"),
    "head": _values("nc", "lines bytes"),
    "helm": _values("nf", "namespace values set set-string version timeout kube-context revision"),
    "iptables": _values(
        "AIDpsdjmiotC", "dport sport dports to-destination to-ports state ctstate limit match jump protocol source destination"
    ),
    "journalctl": _values(
        "unpogtS U", "unit lines priority output since until grep identifier boot-x file directory vacuum-time vacuum-size vacuum-files"
    ),
    "jq": _values("f", "arg argjson slurpfile rawfile from-file indent argfile tab-x"),
    "kill": _values("s", "signal"),
    "kubectl": _KUBECTL,
    "oc": _KUBECTL,
    "logrotate": _values("s", "state mail log"),
    "mail": _values("sacbrS", "subject to attach append content-type"),
    "mysql": _MYSQL,
    "mysqldump": _MYSQL | _values("", "result-file where ignore-table"),
    "mysqladmin": _MYSQL,
    "mkdir": _values("m", "mode"),
    "mongodump": _values("hdcuop", "host db collection username password out port uri archive"),
    "nc": _values("wpsiqXx"),
    "npm": _values("C", "prefix registry audit-level workspace"),
    "nslookup": frozenset(),
    "openssl": frozenset(
        f"-{name}"
        for name in [
            "connect",
            "servername",
            "in",
            "out",
            "key",
            "cert",
            "CAfile",
            "CApath",
            "checkend",
            "starttls",
            "days",
            "subj",
            "keyout",
            "pass",
            "passin",
            "passout",
            "noout-x",
            "verify_hostname",
            "verify",
            "proto",
            "cipher",
            "nameopt",
            "inform",
            "outform",
            "iv",
            "K",
            "kfile",
        ]
    ),
    "pg_dump": _POSTGRES,
    "pg_dumpall": _POSTGRES,
    "pg_restore": _POSTGRES,
    "pg_basebackup": _values("hpUDFXlrTZ", "host port username pgdata format wal-method label max-rate checkpoint"),
    "pg_isready": _values("hpUdt", "host port username dbname timeout"),
    "psql": _POSTGRES | {"-A-x"},
    "createdb": _values("hpUOTE", "host port username owner template encoding"),
    "dropdb": _values("hpU", "host port username"),
    "vacuumdb": _values("hpUdtj", "host port username dbname table jobs"),
    "pgrep": _values("uUPgtsG", "euid uid parent group terminal"),
    "pkill": _values("uUPgtsG", "euid uid parent signal"),
    "ping": _values("ciwWsItQ"),
    "ps": _values("poCuUGgtkq", "pid format user sort ppid"),
    "rclone": _values("", "config transfers max-age min-age exclude include"),
    "redis-cli": _values("hpanusriD", "user pass rdb pattern pipe-timeout functions-rdb"),
    "restic": _values("rp", "repo password-file tag keep-daily keep-weekly keep-monthly keep-last target include exclude host"),
    "rsync": _values(
        "efBMT", "rsh exclude include exclude-from include-from files-from backup-dir suffix bwlimit log-file timeout link-dest rsync-path"
    ),
    "scp": _values("iPolFcSJ"),
    "sed": _values("efl", "expression file line-length"),
    "shred": _values("ns", "iterations size"),
    "sleep": frozenset(),
    "sort": _values("ktoST", "key field-separator output buffer-size temporary-directory parallel"),
    "split": _values("abCln", "suffix-length bytes lines number"),
    "ssh": _SSH,
    "stat": _values("c", "format printf"),
    "su": _values("csg", "command shell group"),
    "sudo": _values("ughpCrtTURD", "user group host prompt chdir"),
    "systemctl": _values("ptsonHM", "property type state signal output lines host machine kill-who job-mode"),
    "tail": _values("ncs", "lines bytes sleep-interval pid"),
    "tar": _values(
        "fCTXbgVIKNL",
        "file directory files-from exclude-from exclude transform strip-components use-compress-program owner group mode newer "
        "listed-incremental to-command checkpoint-action after-date",
    ),
    "tee": frozenset(),
    "timeout": _values("sk", "signal kill-after"),
    "top": _values("bndpuo").difference({"-b"}),
    "touch": _values("drt", "date reference time"),
    "tr": frozenset(),
    "trivy": _values("", "severity format output exit-code cache-dir timeout scanners"),
    "uniq": _values("fsw", "skip-fields skip-chars check-chars"),
    "useradd": _values("cdegGkKpsu", "comment home-dir shell groups gid uid password"),
    "usermod": _values("cdegGlpsu"),
    "watch": _values("n", "interval"),
    "wget": _values(
        "OoaPtTUQieB",
        "output-document output-file directory-prefix tries timeout user-agent header post-data post-file method body-data user "
        "password http-user http-password ca-certificate input-file limit-rate wait",
    ),
    "xargs": _values("IndPLsEa", "max-args max-procs replace delimiter max-lines arg-file"),
    "zip": _values("xibnt"),
    "unzip": _values("dx"),
    "mount": _values("to", "types options"),
    "install": _values("mogtS", "mode owner group target-directory"),
    "ab": _values("ncktpHTCAu"),
    "logger": _values("tpifnPu", "tag priority file server port"),
    "nohup": frozenset(),
    "apt-get": _values("ot", "option target-release"),
    "apt": _values("ot", "option target-release"),
    "k6": _values("oeud", "out env vus duration iterations"),
    "ss": frozenset(),
    "netstat": frozenset(),
    "lsof": _values("pucgi").difference({"-i"}),
    "iostat": frozenset(),
    "gpg": _values("rouo", "recipient output passphrase passphrase-file batch-x homedir"),
    "python": _values("cm"),
    "python3": _values("cm"),
    "bash": _values("co"),
    "sh": _values("co"),
    "node": _values("er", "eval require"),
    "ansible-playbook": _values("ielt", "inventory extra-vars limit tags skip-tags"),
    "terraform": frozenset({"-target", "-var", "-var-file"}),
}
"""Options whose value is the next word (or, for short ones, the rest of their own), by program."""

_SINGLE_DASH_WORDS = frozenset(
    ("find", "openssl", "java", "terraform", "keytool", "go", "ffmpeg", "convert", "gcc", "nslookup", "xrandr", "ip", "tc", "promtool")
)


def has_clusters(program: str) -> bool:
    """Whether ``-abc`` is three options of the program (POSIX utility conventions, guideline 5) rather than one word."""
    return program not in _SINGLE_DASH_WORDS


def split_cluster(word: str, values: frozenset[str]) -> tuple[list[str], str, bool]:
    """``-sSfo out``: the single options, the value that is the rest of the word, and whether the last one waits for the next word."""
    flags: list[str] = []
    for at, letter in enumerate(word[1:], 1):
        flag = f"-{letter}"
        flags.append(flag)
        if flag in values:
            rest = word[at + 1 :]
            return flags, rest, not rest
        if not letter.isalnum():
            break
    return flags, "", False
