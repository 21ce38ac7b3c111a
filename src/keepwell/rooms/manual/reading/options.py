"""Which options of well-known programs take a value, so that operands can be told from them (each program's manual page). Pure data.

``program/subcommand`` are the options behind that subcommand, ``program*`` those behind any other; ``program`` those before it, and behind
it where there is nothing more exact. A program that is absent has no option that takes the next word as its value, as far as is known here.
"""

_TABLE = """
ab: -n -c -k -t -p -T -H -C -A -u
ansible-playbook: -i --inventory -e --extra-vars -l --limit -t --tags --skip-tags
apt apt-get: -o --option -t --target-release
awk gawk mawk: -F --field-separator -v --assign -f --file
aws: --region --profile --output --query --endpoint-url --exclude --include --acl --storage-class --bucket --key --prefix --user-name
 --access-key-id --policy-arn --metric-name --namespace --start-time --end-time --period --statistics --dimensions --sse --body --filters
 --instance-ids --group-name --log-group-name --db-instance-identifier --db-snapshot-identifier --snapshot-id --volume-id
 --auto-scaling-group-name --service --cluster --desired-count --function-name --topic-arn --message --subject --expires-in
bash sh dash zsh ksh: -c -o
certbot: -d --domain -w --webroot-path -m --email --cert-name --deploy-hook --pre-hook --post-hook --config-dir
chown chmod: --reference --from
createdb: -h --host -p --port -U --username -O --owner -T --template -E --encoding
crontab: -u
curl: -A --user-agent -b --cookie -c --cookie-jar -C --continue-at -d --data --data-binary --data-raw --data-urlencode --data-ascii --json
 -D --dump-header -e --referer -E --cert -F --form -h -H --header -K --config -m --max-time -o --output --output-dir -P -Q -r --range
 -t -T --upload-file -u --user -U --proxy-user -w --write-out -x --proxy -X --request -y -Y -z --connect-timeout --retry --retry-delay
 --retry-max-time --url --cacert --capath --key --key-type --cert-type --resolve --connect-to --interface --limit-rate --max-redirs
 --unix-socket --url-query --stderr --trace --trace-ascii --noproxy --ciphers --tls-max --netrc-file --oauth2-bearer --aws-sigv4
cut: -b --bytes -c --characters -d --delimiter -f --fields --output-delimiter
date: -d --date -r --reference -f --file
df: -t --type -x --exclude-type -B --block-size
dig: -b -f -k -p -q -t -x
docker podman: -H --host --context --config -l --log-level
docker* podman*: -v --volume -e --env -p --publish --name --network -n --tail --since --until -u --user -w --workdir -m --memory -l --label
 --format --filter --env-file --entrypoint --mount --restart --cpus --add-host --log-driver --log-opt -h --hostname --platform --time
 --signal -c --shm-size --security-opt --cap-add --device --ulimit --index
docker/build podman/build: -f --file -t --tag --build-arg --target --platform --progress --cache-from --label --output -o --secret
docker/ps docker/images docker/volume docker/network podman/ps podman/images: -f --filter --format -n --last
docker/stop docker/restart podman/stop podman/restart: -t --time -s --signal
docker-compose: -f --file -p --project-name --profile --env-file --project-directory
docker-compose*: --scale -t --timeout --tail -n --since --until --index -u --user -w --workdir -e --env --name -v --volume --entrypoint
dropdb: -h --host -p --port -U --username
du: -d --max-depth -B --block-size -t --threshold --exclude -X --exclude-from --files0-from
find: -name -iname -path -ipath -wholename -regex -iregex -regextype -lname -samefile -type -size -mtime -mmin -atime -amin -ctime -cmin
 -newer -anewer -cnewer -perm -user -group -uid -gid -inum -links -fstype -maxdepth -mindepth -printf -fprintf -fprint -fls
git: -C -c -b -m --message -u --git-dir --work-tree --branch --since --until --author --format --depth
gpg: -r --recipient -o --output -u --passphrase --passphrase-file --homedir
grep egrep fgrep zgrep: -e --regexp -f --file -m --max-count -A --after-context -B --before-context -C --context -d -D --include --exclude
 --exclude-dir --exclude-from
head tail: -n --lines -c --bytes -s --sleep-interval --pid
hey: -n -c -q -z -m -H -d -D -T -t -A -a -o
helm: -n --namespace -f --values --set --set-string --version --timeout --kube-context --revision
install: -m --mode -o --owner -g --group -t --target-directory -S
iptables ip6tables: -A -I -D -R -P -N -p -s -d -j -m -i -o -t --dport --sport --dports --sports --to-destination --to-ports --state
 --ctstate --limit --match --jump --protocol --source --destination
kubectl/logs oc/logs: -n --namespace -l --selector -c --container --context --kubeconfig --tail --since --since-time --limit-bytes
kubectl/patch oc/patch: -n --namespace -p --patch --type -f --filename -o --output --context --patch-file --subresource
journalctl: -u --unit -n --lines -p --priority -o --output -S --since -U --until -g --grep -t --identifier --file -D --directory
 --vacuum-time --vacuum-size --vacuum-files
jq: -f --from-file --arg --argjson --slurpfile --rawfile --indent --argfile
k6: -o --out -e --env -u --vus -d --duration -i --iterations --summary-export
kill: -s --signal
kubectl oc: -n --namespace -l --selector -f --filename -o --output -c --container --context --kubeconfig -p --patch --type --tail --since
 --since-time --replicas --field-selector --grace-period --timeout --sort-by --template --user --cluster --server --token --as -k
 --kustomize -L --label-columns --for --from-literal --from-file --image --port --target-port --cert --key --revision --to-revision
logger: -t --tag -p --priority -i -f --file -n --server -P --port
logrotate: -s --state -m --mail -l --log
lsof: -p -u -c -g
mail mailx: -s --subject -a --attach -c -b -r -S
mkdir: -m --mode
mongodump mongorestore: -h --host -d --db -c --collection -u --username -p --password -o --out --port --uri --archive
mount: -t --types -o --options
mysql mysqldump mysqladmin mariadb: -h --host -P --port -u --user -D --database -e --execute -S --socket --protocol --defaults-file
 --defaults-extra-file --default-character-set --result-file --where --ignore-table
nc ncat: -w -p -s -i -q -X -x
node: -e --eval -r --require
npm: -C --prefix --registry --audit-level -w --workspace
openssl: -connect -servername -in -out -key -cert -CAfile -CApath -checkend -starttls -days -subj -keyout -pass -passin -passout
 -verify_hostname -verify -proto -cipher -nameopt -inform -outform -iv -K -kfile
pg_basebackup: -h --host -p --port -U --username -D --pgdata -F --format -X --wal-method -l --label -r --max-rate -c --checkpoint
pg_dump pg_dumpall pg_restore: -h --host -p --port -U --username -d --dbname -f --file -F --format -j --jobs -n --schema -N -t --table -T -E
 --encoding --role -L --use-list -I -P -Z --compress
pg_isready: -h --host -p --port -U --username -d --dbname -t --timeout
pgrep pkill: -u --euid -U --uid -P --parent -g --pgroup -t --terminal -s --session -G --group --signal
ping ping6: -c -i -w -W -s -I -t -Q
ps: -p --pid -o --format -C -u --user -U -G -g -t -k --sort --ppid -q
psql: -h --host -p --port -U --username -d --dbname -c --command -f --file -o --output -v --set --variable -F --field-separator -R
 --record-separator -P --pset -L --log-file -T
python python3: -c -m
rclone: --config --transfers --max-age --min-age --exclude --include
redis-cli: -h -p -a -n -u -s -r -i -D --user --pass --rdb --pattern
restic: -r --repo -p --password-file --tag --keep-daily --keep-weekly --keep-monthly --keep-last --target --include --exclude --host
rsync: -e --rsh -f --exclude --include --exclude-from --include-from --files-from --backup-dir --suffix --bwlimit --log-file --timeout
 --link-dest --rsync-path -B -M -T
scp: -i -P -o -l -c -F -S -J
sed: -e --expression -f --file -l --line-length
shred: -n --iterations -s --size
sort: -k --key -t --field-separator -o --output -S --buffer-size -T --temporary-directory --parallel
split: -a --suffix-length -b --bytes -C --line-bytes -l --lines -n --number
ssh: -i -o -p -l -L -R -D -J -F -b -c -e -E -I -m -O -Q -S -W -w
stat: -c --format --printf
su: -c --command -s --shell -g --group
sudo: -u --user -g --group -h --host -p --prompt -D --chdir -C -r -t -T -U -R
systemctl: -p --property -t --type -s --signal --state -o --output -n --lines -H --host -M --machine --kill-who --job-mode
tar: -f --file -C --directory -T --files-from -X --exclude-from --exclude -b -g --listed-incremental -V --label -I --use-compress-program
 -K -N --newer --transform --strip-components --owner --group --mode --to-command --checkpoint-action --after-date
terraform: -target -var -var-file
timeout: -s --signal -k --kill-after
top: -n -d -p -u -o
touch: -d --date -r --reference -t --time
trivy: --severity --format --output -o --exit-code --cache-dir --timeout --scanners
uniq: -f --skip-fields -s --skip-chars -w --check-chars
unzip: -d -x
useradd usermod: -c --comment -d --home-dir -e -g --gid -G --groups -k -K -p --password -s --shell -u --uid -l
vacuumdb reindexdb: -h --host -p --port -U --username -d --dbname -t --table -j --jobs
watch: -n --interval
wget: -O --output-document -o --output-file -a -P --directory-prefix -t --tries -T --timeout -U --user-agent --header --post-data
 --post-file --method --body-data --user --password --http-user --http-password --ca-certificate -Q -i --input-file -e -B --limit-rate -w
 --wait
wrk: -t --threads -c --connections -d --duration -s --script -H --header --timeout
xargs: -I --replace -n --max-args -d --delimiter -P --max-procs -L --max-lines -s -E -a --arg-file
zip: -x -i -b -n -t
"""


def _read(table: str) -> dict[str, frozenset[str]]:
    values: dict[str, frozenset[str]] = {}
    for entry in table.replace("\n ", " ").strip().split("\n"):
        programs, _, options = entry.partition(": ")
        values |= dict.fromkeys(programs.split(), frozenset(options.split()))
    return values


VALUES = _read(_TABLE)
"""Options whose value is the next word (or, for short ones, the rest of their own), by program and subcommand."""

_SINGLE_DASH_WORDS = frozenset(
    ["convert", "ffmpeg", "find", "gcc", "go", "ip", "java", "keytool", "nslookup", "openssl", "promtool", "tc", "terraform", "xrandr"],
)


def values_behind(program: str, subcommand: str) -> frozenset[str]:
    """The options with values behind a subcommand (``docker logs -f`` has none in ``-f``, ``docker build -f`` has)."""
    return VALUES.get(f"{program}/{subcommand}", VALUES.get(f"{program}*", VALUES.get(program, frozenset())))


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
