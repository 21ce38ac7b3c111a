"""The vocabulary by which topics.py knows what a text is about: one rule a line, a capability and the pattern (of small letters) that it is
known by. The more specific stands first."""

WORDS = r"""
dr.drill               \b(?:test|exercis|rehears)\w*\b.{0,12}\bbackups?(?: ?/ ?| and )(?:test\w* of )?(?:recover|restor)
contacts               \bcontact (?:information|details|list)\b
backup.verify          \b(?:verif|validat|test|check|prov|integrity)\w*\b.{0,30}\b(?:backups?|exports?)\b(?!.{0,12}(?:status|complet))
backup.verify          \bbackups?\b.{0,12}\b(?:verif|validat|integrity|test)|\btest\b.{0,20}\b(?:export|state recovery)\b
check.backup_freshness \bbackups?\b.{0,12}\b(?:status|complet|fresh|ran\b|succe)|\blast backup\b
backup.incremental     \bincremental\b
backup.retention       \bbackups?\b.{0,40}\b(?:retention|older|prun|expir|clean)
backup.retention       \b(?:old|clean|prune|remove|delete)\w*\b.{0,16}\bbackups\b
backup.offsite         \boff-?site\b|\bbackups?\b.{0,20}\b(?:upload|remote)|\bupload\w*\b.{0,20}\bbackup
backup.object_store    \b(?:object stor\w+|s3|bucket|minio)\b.{0,20}\bbackups?\b
backup.object_store    \bbackups?\b.{0,20}\b(?:object stor\w+|s3|buckets?)\b|\bbucket\b.{0,20}\bsync
dr.drill               \b(?:test|exercis|drill|rehears)\w*\b.{0,40}\b(?:recover|restor|failover|disaster)|\brecovery test
dr.drill               \bdrills?\b
dr.drill               \bdisaster recovery test|\btest\w* .{0,40}(?:restart procedure|monitoring and alerting)
restore.database       \b(?:restor|recover)\w*\b.{0,20}\b(?:database|db|postgres\w*|table)\b|\bdatabase (?:recovery|restore)\b
restore.config         \b(?:restor|recover)\w*\b.{0,20}\bconfig
restore.files          \b(?:restor|recover)\w*\b.{0,20}\b(?:files?|objects?|assets?|logs|data|volumes?)\b|\bextract backup\b
restore.system         \b(?:full|complete|entire|system)\b.{0,20}\b(?:restor|recover)
restore.system         \b(?:restor|recover)\w*\b.{0,20}\b(?:system|service|application|backup)\b|\brecovery scripts?\b
backup.database        \b(?:database|db|postgres\w*|mysql)\b.{0,16}\b(?:backup|dump)s?\b
backup.database        \b(?:backup|back up|dump)\b.{0,16}\b(?:database|db|postgres\w*)\b
backup.files           \bback(?:s|ed|ing)?[ -]?ups?\b
failover               \bfail(?:ing|s)?[ -]?over\b|\bstandby\b.{0,20}\bpromot|\bactivate\b.{0,20}\b(?:site|region|secondary)\b
failover               \bupdate dns\b
dr.plan                \bdisaster recovery\b|\bdata loss\b
keys.rotate            \b(?:rotat|renew|revok|generat|replac)\w*\b.{0,40}\b(?:keys?|tokens?|secrets?|credentials|passwords?)\b
keys.rotate            \bkey rotation\b|\brotation\b.{0,12}\bkeys?\b
keys.rotate            \b(?:new|old)\b.{0,20}\b(?:keys?|tokens?|credentials|passwords?)\b|\b(?:auth|redis|database) passwords?\b
keys.rotate            \bchange passwords?\b
security.certificates  \b(?:renew|updat|replac|check|manag)\w*\b.{0,16}\bcertificates?\b|\bcertificate (?:manag|renew|stor)
security.certificates  \bcertificates if\b
check.tls              \b(?:ssl|tls|certificates?|https)\b.{0,24}\b(?:expir|status|valid|check|dates?)|\bcertificates?\b
security.auth          \bfailed (?:auth\w*|logins?|password)|\b(?:auth\w*|login|password)\b.{0,12}\b(?:fail|attempt|invalid)
security.auth          \bunauthori[sz]ed access\b|\bssh keys? access\b
security.patterns      \b(?:unusual|suspicious|anomal\w+|unexpected)\b.{0,20}\b(?:access|traffic|activit|webhook|source|pattern|behavio)
security.patterns      \baccess logs?\b.{0,20}\b(?:anomal|analy|review)|\brate limit\w* trigger|\b(?:attack|injection|intrusion)s?\b
security.patterns      \bsecurity (?:logs?|alerts?|events?)\b
security.vulnerabilities \bvulnerabilit|\bcve\b|\bsecurity scan
security.updates       \b(?:security|system|os|package)\b.{0,12}\b(?:updates?|patches|upgrades?)\b
security.updates       \b(?:update|upgrade|patch)\b.{0,12}\b(?:system|security|packages?|os)\b
security.updates       \bkeep\b.{0,30}\bupdated\b|\bupdates? available\b
security.permissions   \b(?:file|bucket|iam|directory|folder)? ?permissions?\b|\bleast privilege\b
security.permissions   \b(?:validate|verify|review)\b.{0,10}\bsecurity (?:config|setting)
security.accounts      \b(?:user|sudo|system|service) accounts?\b|\baccess controls?\b|\buser (?:access|manag|audit)
security.accounts      \b(?:sudo|root) (?:access|users?)\b|\baccess audit\b
security.network       \bfirewall|\bopen ports?\b|\bnetwork (?:security|connections)\b|\b(?:suspicious|unusual) network\b
security.network       \bblock\w*\b.{0,16}\bips?\b
security.secrets       \bsecrets?\b.{0,20}\b(?:scan|leak|stor|expos|vault)
incident.evidence      \b(?:collect|preserv|gather)\w*\b.{0,16}\b(?:evidence|logs?|artifacts?)|\bevidence\b|\bforensic
env.audit              \b(?:environment|required|env|unused) variables?\b|\b(?:field|variable) (?:name )?mappings?\b
env.audit              \bdeprecated or unused\b
escalate               \bescalat|\bcontact\b.{0,16}\b(?:team|support|security|vendor|engineer)|\bpage the\b
escalate               \bnotify\b.{0,12}\bsecurity team\b
contacts               \bcontacts?\b(?: information| details| list)?|\bon-?call\b|\be-?mail: ?\S+@
incident.comms         \b(?:notify|inform|alert|updat)\w*\b.{0,20}\b(?:stakeholders?|customers?|users|management)\b|\bcommunicat
incident.comms         \bstatus (?:page|updates?)\b|\bincident (?:alert|notification|notice)
incident.review        \bpost-?(?:incident|mortem)|\broot cause analysis\b|\blessons? learned\b|\bdocument incident\b|\btimeline\b
incident.review        \baction items?\b|\b(?:incident|response) (?:review|evaluation)\b
incident.policy        \bseverit(?:y|ies)\b|\bincident classif|\b(?:critical|error|warning|info) alerts?\b
incident.policy        \bresponse times? (?:within|of)\b|\bimmediate (?:action|response) \w|\bp[0-4] - |\bincident commander\b
loadtest               \bload test|\bstress test|\b(?:performance|benchmark)\w* test|\bbenchmark
report                 \breports?\b|\bperformance (?:analysis|review|trends?|against)\b|\btrends?\b.{0,12}\breview|\bstatistics\b
report                 \bcosts?\b.{0,12}\b(?:and|usage)\b
capacity               \bcapacity\b|\bgrowth\b|\bscalability\b|\bcost optimi[sz]|\bplan for scaling\b|\bforecast
scale                  \bscal(?:e|ing)\b|\bauto-?scal|\breplicas?\b|\bresource limits?\b|\bhorizontalpod
rollback               \brolls? ?back\b|\brollback\b|\bprevious version\b|\bundo\b
change                 \bchange (?:request|review|manag|track|log|implement)
change                 \bplan\w*\b.{0,24}\b(?:updates?|improvements?|migration|upgrade)|\btest changes\b|\bafter changes\b
change                 \bstaging\b|\b(?:feature )?branch\b|\bpull request\b|\bversion control\b
deploy                 \bdeploy(?:s|ed|ing|ment script| change| the| to| latest| new)?\b(?! documentation| procedure)|\brelease\b
deploy                 \bbuild\b.{0,12}\b(?:and|image)
database.tuning        \b(?:quer(?:y|ies)|index(?:es)?|database|postgres\w*)\b.{0,24}\b(?:optimi|tun)
database.tuning        \b(?:optimi[sz]|tun)\w*\b.{0,24}\b(?:quer|index|database)|\b(?:add|create|rebuild) index|\bpartition\b
database.tuning        \bpostgresql\.conf\b
database.report        \b(?:slow quer|quer(?:y|ies) performance|index usage|tables? sizes?|database sizes?|field utili[sz])
database.report        \bdatabase (?:statistics|analysis|diagnos)
database.maintenance   \bvacuum|\breindex|\bdatabase maintenance\b|\b(?:update|refresh)\b.{0,16}\bstatistics\b|\banalyze table
docs                   \bdocument(?:s|ation|ed|ing)?\b|\brunbooks?\b.{0,10}\b(?:updat|review|based)
docs                   \b(?:update|review|revise)\w*\b.{0,24}\b(?:runbooks?|procedures?|guides?|diagrams?)\b|\bdiagrams?\b
docs                   \b(?:guides?|adr|changelogs?|wiki)\b|\bkept up-to-date\b
check.external_api     \b(?:external|third[- ]party|upstream)\b.{0,16}\b(?:services?|apis?|status)\b|\brate limit\w* status\b
check.external_api     \bapi access\b
failover               \bredundan
check.alertmanager     \bactive alerts?\b|\balert ?manager\b|\bsilence
rule                   \balert(?:ing)? (?:rules?|thresholds?|config\w*|conditions?)\b|\bthresholds?\b|\bset up alerts?\b
rule                   \balerts? for\b
notify                 \b(?:send|trigger)\w*\b.{0,12}\b(?:alerts?|notifications?|mail)\b|\bmail -s\b|\bslack\b|\bpagerduty\b
dashboard              \bdashboards?\b|\bgrafana\b
logs.rotate            \blogs?\b.{0,16}\brotat|\brotat\w*\b.{0,20}\blogs?\b|\blogrotate\b
logs.cleanup           \b(?:old|archiv|clean|compress|delet|purg)\w*\b.{0,20}\blogs?\b
logs.cleanup           \blogs?\b.{0,20}\b(?:clean|archiv|compress|retention|older)
logs.layout            \blog (?:files? )?(?:structure|layout|locations?|directory)|\blogging (?:implementation|format|patterns?)\b
logs.layout            /var/log/\S+
logs.analyse           \blogs?\b.{0,16}\b(?:analy|review|pattern|monitor|for\b)
logs.analyse           \b(?:analy|review|monitor|inspect|search|check|look|identify|count)\w*.{0,30}\b(?:logs?|error patterns?|errors? by)\b
logs.analyse           \berror (?:analysis|patterns?|types?)\b|\b(?:most )?common errors?\b
logs.analyse           \b(?:errors?|failures?|retry attempts|retries|long-running|slow (?:api |quer)?\w*)(?: \(.{0,24}\))?$
logs.analyse           \bslow (?:api|response)
cleanup                \b(?:clean|purge|prune|remove|delete|clear)\w*\b.{0,30}\b(?:temp\w*|cache|files?|state|data)\b
cleanup                \b(?:clean|purge|prune|remove|delete|clear)\w*\b.{0,30}\b(?:resources|images|volumes?|space|expired)\b
cleanup                \b(?:state|temporary file|data) cleanup\b|\bclean ?up\b
update                 \b(?:dependenc\w+|packages?|libraries|images?|application|software|version)\b.{0,12}\b(?:updates?|upgrades?)\b
update                 \b(?:update|upgrade|pull)\b.{0,20}\b(?:dependenc\w+|packages?|images?|version|application|non-breaking)
tuning                 \b(?:performance|application|resource|network|jvm|cache|pool|code)\b.{0,12}\b(?:optimi|tun)
tuning                 \b(?:optimi[sz]\w*|tun(?:e|ing))\b|\bcach(?:e|ing)\b|\bpool\b|\bgarbage collect|\bbatch\b
tuning                 \bmemory settings?\b
check.redis            \bredis\b|\bstate persistence\b|\bkey eviction\b|\bcache (?:hit|connect)
check.postgres         \b(?:database|db|postgres\w*|mysql)\b.{0,16}\b(?:connect|status|health|active|size|ready)
check.postgres         \bactive connections\b|\b(?:database|postgres\w*)$
check.s3               \b(?:s3|bucket|object stor\w+|minio)\b|\blifecycle rules?\b
check.kubernetes       \b(?:pods?|nodes?|kubernetes|kubectl|k8s|deployments? status|cluster)\b
check.container        \bcontainers?\b|\bdocker\b
check.webhook          \bwebhooks?\b
check.dns              \bdns\b|\bname resolution\b|\bresolv
check.tcp              \b(?:network|tcp)\b.{0,8}\b(?:connectiv|reach)|\bconnectivity\b|\breachab
check.port             \bports?\b|\blistening\b
check.process          \bprocess(?:es)?(?: count| list| status| monitoring)?\b|\borphan
check.host             \bdisks?\b|\bfile descriptors?\b|\bfree space\b
check.host             \b(?:cpu|memory|swap|load|resource) (?:usage|utili[sz]ation|and)\b|\bsystem resources?\b|\bmemory\b|\bcpu\b
check.http             \bhealth(?:y|z)?\b(?: checks?| endpoints?| status| response)?|\bendpoints?\b
check.http             \bapplication (?:status|server)\b|\bavailab
check.service          \bservices?\b.{0,12}\b(?:status|running|up\b|start)|\bsystemd\b
check.service          \b(?:restart|start|stop) (?:the )?(?:\w+ )?services?\b
objective              \b(?:rto|rpo|sla|slo)\b|\bgoals?\b|\bobjectives?\b|\bmaintain \d|\buptime\b|\btargets?\b
metric                 \bmetrics?\b|\bperformance monitoring\b
metric                 \b(?:rates?|percentiles?|percentages?|throughput|latenc\w+|durations?|response times?|indicators?)\b
metric                 \b(?:per (?:hour|day|second|call|minute)|distribution|utili[sz]ation|network i/o)\b
schedule               \bschedul|\bautomate\b|\bmaintenance windows?\b|\bcron|\bwindow\b|\blow-traffic\b|\S+\.sh\b
api                    \bapi\b
diagnostics            \b(?:diagnos|investigat|troubleshoot|debug|identif|determin|inspect)\w*|\brecent (?:changes|deployments)\b
diagnostics            \bconnection limits?\b
checklist              \bchecklists?\b|\btodo\b
runbook                \b(?:emergency|recovery|incident|restart|recover|procedures?|issues?|mitigat\w*|fix(?:es)?)\b
"""
"""What a text itself speaks of."""

FRAMES = r"""
incident.review   \bpost-?(?:incident|mortem)|\broot cause\b|\bincident review\b
security.patterns \bsecurity events?\b
logs.analyse      \blog (?:review|analysis|monitoring)\b|\b(?:critical|common|recent) errors\b
dr.plan           \bdisaster recovery plan\b
objective         \b(?:goals?|objectives?|rto|rpo|sl[aoi]s?)\b
contacts          \bcontacts?\b|\bon-?call\b
schedule          \bmaintenance (?:windows?|schedule)\b
incident.policy   \bseverity\b|\bincident classif|\bescalation (?:polic|matrix)|\balert triage\b
incident.comms    \bcommunicat\w* (?:template|plan)|\bnotification template
rule              \balert(?:ing)? (?:threshold|rule|condition)|\bthresholds?\b
report            \bperformance (?:analysis|review)\b|\breports?\b|\b(?:volume|usage|traffic) (?:metrics|figures)\b
report            \buser experience\b
metric            \bmetrics? to (?:monitor|watch|track)|\bkey (?:metrics|performance indicators|figures)|\bmetrics$
docs              \bdocumentation\b|\bversion history\b|\bchangelog\b|\brelated (?:links|documents?)\b
checklist         \bchecklists?\b
keys.rotate       \bkey rotation\b|\brotat\w+ .{0,20}\bkeys?\b
capacity          \bcapacity planning\b
dr.drill          \b(?:disaster recovery|failover|dr) (?:test|drill)
env.audit         \bvariable audit\b|\bconfiguration audit\b
database.report   \bdatabase (?:maintenance|review)\b
runbook           \b(?:emergency|common issues|troubleshoot\w*|incident response|immediate actions?|recovery procedures?)\b
runbook           \b(?:mitigation|diagnosis|failures?|playbooks?)\b
"""
"""What a heading makes of everything below it: whatever stands under "Key metrics to monitor" is a metric."""
