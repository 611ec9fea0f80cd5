"""What the tools answer for actions, secrets, storage, payloads, metrics, Kubernetes and reboots."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from facts import HIDDEN, MINE, OURS, THEIRS, Row, in_hook

pytestmark = pytest.mark.long

Check = Callable[[Row], None]

MINION = {"leader": False}
IN_DB = in_hook("db-relation-changed", "db:0", "pg/0", "pg")
COLLECT = in_hook("collect-metrics")
METER = in_hook("meter-status-changed")
CAAS = {"model": {"name": "m", "uuid": "u", "type": "caas"}}
RUNNING: Any = {
    "action": {
        "parameters": {"size": "big", "tree": {"a": {"b": [1, 2]}}, "n": 3},
        "results": {},
        "failure": None,
        "messages": [],
    }
}
NOT_LEADER = "this unit is not the leader"
RESTRICTED = "not implemented for restricted context not implemented"


ACTIONS = [
    Row("action-get size", "big\n", given=RUNNING),
    Row("action-get n", "3\n", given=RUNNING),
    Row("action-get tree.a.b --format=json", "[1,2]\n", given=RUNNING),
    Row("action-get tree.a", "b:\n- 1\n- 2\n", given=RUNNING),
    Row("action-get tree.x.y --format=json", "null\n", given=RUNNING),
    Row("action-get size.x", "", given=RUNNING),
    Row("action-get --format=json", "{}\n", given={"action": {**RUNNING["action"], "parameters": {}}}),
    Row("action-get size more", given=RUNNING, status=2, err='unrecognized args: ["more"]'),
    Row(
        "action-set out.size=10 out.name=x=y done=",
        given=RUNNING,
        at_once={"action.results": {"out": {"size": "10", "name": "x=y"}, "done": ""}},
    ),
    Row("action-set a=1", given=RUNNING, after=["action-set a.b=2"], at_once={"action.results": {"a": "1"}}),
    Row(
        "action-set a.b=2",
        given=RUNNING,
        after=["action-set a=1"],
        at_once={"action.results": {"a": {"b": "2"}}},
    ),
    Row("action-set a", given=RUNNING, status=2, err='argument "a" must be of the form key...=value'),
    Row(
        "action-set Bad=1",
        given=RUNNING,
        status=2,
        err='key "Bad" must start and end with lowercase alphanumeric, and contain only lowercase '
        "alphanumeric, hyphens and periods",
    ),
    Row("action-set stdout=1", given=RUNNING, status=2, err='cannot set reserved action key "stdout"'),
    Row("action-fail 'too big'", given=RUNNING, at_once={"action.failure": "too big"}),
    Row(
        "action-fail",
        given=RUNNING,
        at_once={"action.failure": "action failed without reason given, check action for errors"},
    ),
    Row("action-log half way", given=RUNNING, at_once={"action.messages": ["half way"]}),
    Row("action-log", given=RUNNING, status=2, err="no message specified"),
    Row("action-get", status=1, err="not running an action"),
    Row("action-set a=1", status=1, err="not running an action"),
    Row("action-fail", status=1, err="not running an action"),
    Row("action-log x", status=1, err="not running an action"),
    # What an action sets in relations is sent as from a hook.
    Row("relation-set -r db:0 a=1", given=RUNNING, kept={"relations.db:0.local-unit.a": "1"}),
]

SECRETS_READ = [
    # Owners and consumers read the revision that they track.
    Row("secret-get %s" % OURS, "password: p1\n"),
    Row("secret-get secret:%s password" % OURS, "p1\n"),
    Row("secret-get secret:%s password#base64" % OURS, "cDE=\n"),
    Row("secret-get %s --format=json" % OURS, '{"password":"p1"}\n'),
    Row("secret-get --label admin", "password: p1\n"),
    Row("secret-get --label admin", "password: p1\n", given=MINION),
    Row("secret-get %s" % MINE, "key: k1\n", given=MINION),
    Row(
        "secret-get %s other" % OURS,
        given={"secrets.%s.consumers" % OURS: {"app/0": {"label": "", "revision": 1}}},
        status=1,
        err='secret key value "other" not found',
    ),
    Row(
        "secret-get %s" % THEIRS,
        "user: u2\n",
        at_once={"secrets.%s.consumers" % THEIRS: {"app/0": {"label": "", "revision": 2}}},
    ),
    Row(
        "secret-get %s" % THEIRS,
        "user: u1\n",
        given={"secrets.%s.consumers" % THEIRS: {"app/0": {"label": "", "revision": 1}}},
    ),
    Row(
        "secret-get %s --peek" % THEIRS,
        "user: u2\n",
        given={"secrets.%s.consumers" % THEIRS: {"app/0": {"label": "", "revision": 1}}},
        at_once={"secrets.%s.consumers.app/0.revision" % THEIRS: 1},
    ),
    Row(
        "secret-get %s --refresh" % THEIRS,
        "user: u2\n",
        given={"secrets.%s.consumers" % THEIRS: {"app/0": {"label": "", "revision": 1}}},
        at_once={"secrets.%s.consumers.app/0.revision" % THEIRS: 2},
    ),
    # A consumer gives a label of its own, and finds the secret by it from then on.
    Row("secret-get --label pg", "user: u2\n", after=["secret-get %s --label pg" % THEIRS]),
    Row("secret-get --label nonesuch", status=1, err='consumer label "nonesuch" not found'),
    Row("secret-get %s" % HIDDEN, status=1, err="permission denied"),
    Row("secret-get 9m4e2mr0ui3e8a215n4g", status=1, err='secret "secret:9m4e2mr0ui3e8a215n4g" not found'),
    Row("secret-get", status=2, err="require either a secret URI or label"),
    Row("secret-get short", status=2, err='secret URI "short" not valid'),
    Row(
        "secret-get %s --peek --refresh" % OURS,
        status=2,
        err="specify one of --peek or --refresh but not both",
    ),
    Row(
        "secret-get %s --format=smart" % OURS,
        status=2,
        err='invalid value "smart" for option --format: unknown format "smart"',
    ),
    # New content is not what the owner reads, until it asks for it; before Juju 3.3.1 it was.
    Row("secret-get %s" % OURS, "password: p1\n", after=["secret-set %s password=p2" % OURS]),
    Row(
        "secret-get %s --refresh" % OURS,
        "password: p2\n",
        after=["secret-set %s password=p2" % OURS],
        kept={"secrets.%s.consumers.app/0.revision" % OURS: 2},
        lost={"secrets.%s.consumers.app/0.revision" % OURS: 1},
    ),
    Row(
        "secret-get %s" % OURS,
        "password: p2\n",
        given={"juju-version": "3.3.0"},
        after=["secret-set %s password=p2" % OURS],
    ),
    # An owner that gives a label relabels the secret.
    Row("secret-get %s --label root" % OURS, "password: p1\n", at_once={"secrets.%s.label" % OURS: "root"}),
    Row("secret-ids", "%s\n%s\n" % (OURS, MINE)),
    Row("secret-ids --format=json", '["%s"]\n' % MINE, given=MINION),
    Row("secret-ids --format=json", "null\n", given={"secrets": {}}),
    Row(
        "secret-info-get %s" % OURS,
        "%s:\n  revision: 1\n  label: admin\n  owner: application\n  rotation: never\n" % OURS,
    ),
    Row(
        "secret-info-get --label admin --format=json",
        '{"%s":{"revision":3,"label":"admin","owner":"application","description":"d","rotation":"daily",'
        '"expiry":"2030-01-01T00:00:00Z","rotates":"2029-01-01T00:00:00Z",'
        '"access":[{"target":"application-pg","scope":"relation-db:0","role":"view"}]}}\n' % OURS,
        given={
            "secrets.%s.latest" % OURS: 3,
            "secrets.%s.description" % OURS: "d",
            "secrets.%s.rotate" % OURS: "daily",
            "secrets.%s.expires" % OURS: "2030-01-01T00:00:00Z",
            "secrets.%s.rotates" % OURS: "2029-01-01T00:00:00Z",
            "secrets.%s.access" % OURS: [{"target": "pg", "relation": "db:0"}],
        },
    ),
    Row(
        "secret-info-get %s" % MINE,
        '%s:\n  revision: 1\n  label: ""\n  owner: unit\n  rotation: never\n  expiry: 2030-01-01T00:00:00Z\n'
        % MINE,
        given={"secrets.%s.expires" % MINE: "2030-01-01T00:00:00Z"},
    ),
    # Only who manages a secret is told about it.
    Row("secret-info-get %s" % OURS, given=MINION, status=1, err='secret "%s" not found' % OURS),
    Row("secret-info-get %s" % THEIRS, status=1, err='secret "%s" not found' % THEIRS),
    Row("secret-info-get", status=2, err="require either a secret URI or label"),
    Row(
        "secret-info-get %s --label x" % OURS,
        status=2,
        err="specify either a secret URI or label but not both",
    ),
]

NEW = "gn66c17g5uvce10l1gog"  # The first that app/0 adds in a model of this UUID.
SECRETS_WRITE = [
    Row(
        "secret-add user=me --label l --description d --expire 2030-01-01T06:06:06",
        "secret:%s\n",
        kept={
            "secrets.%s.revisions": {"1": {"user": "me"}},
            "secrets.%s.owner": "app",
            "secrets.%s.label": "l",
        },
        lost={"secrets.%s": None},
    ),
    Row("secret-add user=me --owner unit", "secret:%s\n", given=MINION, kept={"secrets.%s.owner": "app/0"}),
    Row("secret-add user=me --rotate monthly", "secret:%s\n", kept={"secrets.%s.rotate": "monthly"}),
    # The hook that adds a secret reads it, and manages it, before anybody else knows it.
    Row("secret-get %s", "user: me\n", after=["secret-add user=me"]),
    Row("secret-get --label l", "user: me\n", after=["secret-add user=me --label l"]),
    Row("secret-set %s user=you", after=["secret-add user=me"], kept={"secrets.%s.latest": 2}),
    Row("secret-remove %s", after=["secret-add user=me"], kept={"secrets.%s": None}),
    Row(
        "secret-add key#base64=AA== other=x=",
        "secret:%s\n",
        kept={"secrets.%s.revisions.1": {"key": "\0", "other": "x="}},
    ),
    Row(
        "secret-add --file -",
        "secret:%s\n",
        stdin="one: a1\ntwo#base64: Yg==\n",
        kept={"secrets.%s.revisions.1": {"one": "a1", "two": "b"}},
    ),
    Row("secret-add", status=2, err="missing secret value or filename"),
    Row("secret-add user", status=2, err='key value "user" not valid'),
    Row("secret-add a=1", status=2, err='key "a" not valid'),
    Row("secret-add key#base64=!", status=2, err='value of key "key" is not base64'),
    Row("secret-add user=me --owner me", status=2, err='secret owner "me" not valid'),
    Row("secret-add user=me --rotate often", status=2, err='rotate policy "often" not valid'),
    Row("secret-add user=me --expire soon", status=2, err='expire time or duration "soon" not valid'),
    Row("secret-add user=me --expire=-1h", status=2, err='negative expire duration "-1h" not valid'),
    Row(
        "secret-add key#file=/none",
        status=2,
        err="reading content for secret key \"key\": [Errno 2] No such file or directory: '/none'",
    ),
    Row("secret-add user=me", given=MINION, status=1, err=NOT_LEADER),
    Row("secret-add user=me --label admin", status=1, err='secret with label "admin" already exists'),
    Row(
        "secret-add user=me --label l",
        after=["secret-add pass-word=1 --label l"],
        status=1,
        err='secret with label "l" already exists',
    ),
    # A change is a new revision when the hook has succeeded; the same content is none.
    Row(
        "secret-set %s password=p2" % OURS,
        kept={"secrets.%s.revisions" % OURS: {"1": {"password": "p1"}, "2": {"password": "p2"}}},
        lost={"secrets.%s.latest" % OURS: 1},
    ),
    Row("secret-set %s password=p1" % OURS, kept={"secrets.%s.latest" % OURS: 1}),
    Row(
        "secret-set %s --label x --description y" % OURS,
        kept={"secrets.%s.latest" % OURS: 1, "secrets.%s.label" % OURS: "x"},
    ),
    Row("secret-set", status=2, err="missing secret URI"),
    Row("secret-set %s password=p2" % OURS, given=MINION, status=1, err=NOT_LEADER),
    Row("secret-set %s user=me" % THEIRS, status=1, err="permission denied"),
    Row("secret-set %s key=k2" % MINE, given=MINION, kept={"secrets.%s.latest" % MINE: 2}),
    Row(
        "secret-remove %s" % OURS, kept={"secrets.%s" % OURS: None}, lost={"secrets.%s.label" % OURS: "admin"}
    ),
    Row(
        "secret-remove %s --revision 1" % OURS,
        given={"secrets.%s.latest" % OURS: 2, "secrets.%s.revisions.2" % OURS: {"a": "b"}},
        kept={"secrets.%s.revisions" % OURS: {"2": {"a": "b"}}},
    ),
    Row(
        "secret-remove %s --revision x" % OURS,
        status=2,
        err='invalid value "x" for option --revision: strconv.ParseInt: parsing "x": invalid syntax',
    ),
    Row("secret-remove %s" % OURS, given=MINION, status=1, err=NOT_LEADER),
    Row("secret-remove", status=2, err="missing secret URI"),
]

ACCESS = "secrets.%s.access" % OURS
SECRETS_GRANT = [
    Row(
        "secret-grant %s -r db:0" % OURS,
        kept={ACCESS: [{"target": "pg", "relation": "db:0"}]},
        lost={ACCESS: []},
    ),
    Row("secret-grant %s" % OURS, given=IN_DB, kept={ACCESS: [{"target": "pg", "relation": "db:0"}]}),
    Row(
        "secret-grant %s -r db:0 --unit pg/1" % OURS,
        kept={ACCESS: [{"target": "pg/1", "relation": "db:0"}]},
    ),
    # Who may read as an application may do so as each unit.
    Row(
        "secret-grant %s -r db:0 --unit pg/1" % OURS,
        after=["secret-grant %s -r db:0" % OURS],
        kept={ACCESS: [{"target": "pg", "relation": "db:0"}]},
    ),
    Row(
        "secret-grant %s -r db:0" % OURS,
        after=["secret-grant %s -r db:0 --unit pg/1" % OURS],
        status=1,
        err="any unit level grants need to be revoked before granting access to the corresponding "
        "application",
    ),
    Row("secret-grant %s" % OURS, status=2, err="no relation id specified"),
    Row(
        "secret-grant %s -r db:0 --unit app/1" % OURS,
        status=2,
        err='cannot specify unit "app/1" in relation to application "pg"',
    ),
    Row("secret-grant %s -r db:0" % OURS, given=MINION, status=1, err=NOT_LEADER),
    Row(
        "secret-revoke %s -r db:0" % OURS,
        given={ACCESS: [{"target": "pg", "relation": "db:0"}]},
        kept={ACCESS: []},
    ),
    Row("secret-revoke %s --app pg" % OURS, after=["secret-grant %s -r db:0" % OURS], kept={ACCESS: []}),
    Row(
        "secret-revoke %s --unit pg/1" % OURS,
        given={ACCESS: [{"target": "pg/1", "relation": "db:0"}]},
        kept={ACCESS: []},
    ),
    Row("secret-revoke %s" % OURS, status=2, err="missing relation or application or unit"),
    Row(
        "secret-revoke %s --app a --unit a/0" % OURS, status=2, err="specify only one of application or unit"
    ),
    Row("secret-revoke %s --app pg -r db:0" % OURS, status=2, err="do not specify both relation and app"),
]

STORAGE = [
    Row("storage-list", "cache/4\ndata/3\n"),
    Row("storage-list data --format=json", '["data/3"]\n'),
    Row("storage-list logs --format=json", "[]\n"),
    Row("storage-get -s data/3", "kind: filesystem\nlocation: /srv/data\n"),
    Row("storage-get -s cache/4 location", "/dev/sdb\n"),
    Row("storage-get location", "/srv/data\n", given={"hook": {"relation-id": "", "storage-id": "data/3"}}),
    Row("storage-get kind", "block\n", environ={"JUJU_STORAGE_ID": "cache/4"}),
    Row("storage-get", status=2, err="no storage instance specified"),
    Row("storage-get -s data/3 size", status=1, err='invalid storage attribute "size"'),
    Row("storage-get -s data/9", status=2, err='invalid value "data/9" for option -s: storage not found'),
    Row("storage-get -s data", status=2, err='invalid value "data" for option -s: invalid storage ID "data"'),
    # Juju provides what is asked for after the hook, within the range of the metadata.
    Row("storage-add data", kept={"storage-requested": {"data": 1}}, lost={"storage-requested": {}}),
    Row("storage-add logs=3", after=["storage-add logs"], kept={"storage-requested": {"logs": 4}}),
    Row(
        "storage-add data=2",
        status=1,
        err='adding storage "data": at most 2 instances supported, 3 specified',
    ),
    Row(
        "storage-add data",
        after=["storage-add data"],
        status=1,
        err='adding storage "data": at most 2 instances supported, 3 specified',
    ),
    Row("storage-add cache", status=1, err='adding storage "cache": storage is singular, 2 specified'),
    Row("storage-add tape", status=1, err='charm storage "tape" not found'),
    Row("storage-add", status=2, err="storage add requires a storage directive"),
    Row("storage-add data=1G", status=2, err='only count can be specified for "data"'),
    Row(
        "storage-add data=0",
        status=2,
        err='cannot parse constraints for storage "data": cannot parse count: count must be greater than '
        'zero, got "0"',
    ),
    Row("storage-add logs logs", status=2, err='storage "logs" specified more than once'),
    Row("resource-get image", "/resources/image"),
    Row("resource-get absent", status=1, err="could not download resource: resource#absent not found"),
    Row("resource-get nonesuch", status=1, err="could not download resource: resource#nonesuch not found"),
    Row("resource-get", status=2, err="missing required resource name"),
]

STATE = [
    Row("state-set a=1 b=", kept={"state": {"a": "1", "b": ""}}, lost={"state": {}}),
    Row("state-get a", "1\n", after=["state-set a=1"]),
    Row("state-get", 'a: "1"\n', after=["state-set a=1"]),
    Row("state-get", "{}\n"),
    Row("state-get --format=json", "null\n"),
    Row("state-get a", ""),
    Row("state-get a --format=json", '""\n'),
    Row("state-get a --strict", status=1, err='"a" not found'),
    Row("state-delete a", given={"state": {"a": "1"}}, kept={"state": {}}, lost={"state": {"a": "1"}}),
    Row(
        "state-get a --strict",
        given={"state": {"a": "1"}},
        after=["state-delete a"],
        status=1,
        err='"a" not found',
    ),
    Row("state-set --file - a=2", stdin="a: 1\nb: yes\n", kept={"state": {"a": "2", "b": "yes"}}),
    Row("state-set a", status=2, err='expected "key=value", got "a"'),
    Row(
        "state-set %s=1" % ("k" * 257),
        status=1,
        err="max allowed key length (256) exceeded quota limit exceeded",
    ),
    Row(
        "state-set a=%s" % ("v" * 65537),
        status=1,
        err="max allowed value length (65536) exceeded quota limit exceeded",
    ),
]

PAYLOAD = {
    "payloads": {
        "monitor/x1": {"class": "monitor", "id": "x1", "labels": [], "status": "running", "type": "docker"}
    }
}
PAYLOADS = [
    Row(
        "payload-register docker monitor x1 red blue",
        lost={"payloads.monitor/x1": {**PAYLOAD["payloads"]["monitor/x1"], "labels": ["red", "blue"]}},
    ),
    Row("payload-register docker monitor", status=2, err="missing required arguments"),
    Row(
        "payload-register kvm monitor x",
        status=1,
        err='incorrect type "kvm" for payload "monitor", expected "docker"',
    ),
    Row("payload-register docker other x", status=1, err='payload "other" not found in metadata.yaml'),
    Row(
        "payload-status-set monitor x1 stopping",
        given=PAYLOAD,
        lost={"payloads.monitor/x1.status": "stopping"},
    ),
    Row(
        "payload-status-set monitor x1 done",
        given=PAYLOAD,
        status=1,
        err='status "done" not supported; expected one of ["running", "starting", "stopped", "stopping"]',
    ),
    Row("payload-status-set monitor x2 stopped", given=PAYLOAD, status=1, err="payload not found"),
    Row("payload-unregister monitor x1", given=PAYLOAD, lost={"payloads": {}}),
]

METRICS = [
    Row(
        "add-metric users=3", given=COLLECT, lost={"metrics": [{"key": "users", "value": "3", "labels": {}}]}
    ),
    Row(
        "add-metric -l a=b users=1.5",
        given=COLLECT,
        kept={"metrics": [{"key": "users", "value": "1.5", "labels": {"a": "b"}}]},
    ),
    Row("add-metric users=3", status=1, err="cannot record metric: metrics not allowed in this context"),
    Row("add-metric users=3", given=METER, status=1, err="cannot record metric: " + RESTRICTED),
    Row(
        "add-metric pings=3",
        given=COLLECT,
        status=1,
        err='cannot record metric: metric key "pings" not declared by the charm',
    ),
    Row("add-metric juju-units=3", given=COLLECT, status=1, err="juju-units uses a reserved prefix"),
    Row(
        "add-metric users=many",
        given=COLLECT,
        status=1,
        err='cannot record metric: invalid value type: expected float, got "many"',
    ),
    Row(
        "add-metric users=-1",
        given=COLLECT,
        status=1,
        err="cannot record metric: invalid value: value must be greater or equal to zero, got -1",
    ),
    Row(
        "add-metric users=%s" % ("1" * 31),
        given=COLLECT,
        status=1,
        err="cannot record metric: metric value is too large",
    ),
    Row("add-metric", given=COLLECT, status=2, err="no metrics specified"),
    Row(
        "add-metric users=",
        given=COLLECT,
        status=2,
        err='invalid metrics: expected "key=value", got "users="',
    ),
    Row(
        "add-metric -l a users=1",
        given=COLLECT,
        status=2,
        err='invalid labels: expected "key=value", got "a"',
    ),
]

RESTRICTED_HOOKS = [
    Row("juju-log hello", "", given=COLLECT),
    Row("status-get", "unknown\n", given=COLLECT),
    Row("opened-ports --format=json", "[]\n", given={**COLLECT, "ports": ["80/tcp"]}),
    Row("config-get port", given=COLLECT, status=1, err=RESTRICTED),
    Row("status-set active", given=METER, status=1, err=RESTRICTED),
    Row("is-leader", given=METER, status=1, err="leadership status unknown: " + RESTRICTED),
    Row("leader-get", given=COLLECT, status=1, err="cannot read leadership settings: " + RESTRICTED),
    Row("relation-ids db", given=COLLECT, status=1, err="bad request: " + RESTRICTED),
    Row("relation-set -r db:0 a=1", given=COLLECT, status=1, err="bad request: " + RESTRICTED),
    Row("unit-get private-address", given=COLLECT, status=1, err=RESTRICTED),
    Row("secret-get --label x", environ={"JUJU_HOOK_NAME": "collect-metrics"}, status=1, err=RESTRICTED),
    Row("config-get port", environ={"JUJU_DISPATCH_PATH": "hooks/collect-metrics"}, status=1, err=RESTRICTED),
    Row("config-get port", "80\n", environ={"JUJU_DISPATCH_PATH": "actions/collect-metrics"}),
]

K8S = [
    Row(
        "k8s-spec-set --file -",
        given=CAAS,
        stdin="version: 3\n",
        kept={"k8s.spec": "version: 3\n"},
        lost={"k8s.spec": ""},
    ),
    Row("k8s-spec-set", given=CAAS, stdin="version: 3\n", kept={"k8s.spec": "version: 3\n"}),
    Row("pod-spec-set", given=CAAS, stdin="version: 3\n", kept={"k8s.spec": "version: 3\n"}),
    Row("k8s-spec-get", "a: 1\n", given={**CAAS, "k8s": {"spec": "a: 1\n", "raw": ""}}),
    Row(
        "k8s-raw-set --file -",
        given=CAAS,
        stdin="kind: Pod\n",
        kept={"k8s": {"raw": "kind: Pod\n", "spec": ""}},
    ),
    Row("k8s-raw-get", "kind: Pod\n", given={**CAAS, "k8s": {"spec": "", "raw": "kind: Pod\n"}}),
    Row(
        "k8s-raw-set",
        given={**CAAS, "pending.k8s": {"spec": "a"}},
        stdin="kind: Pod\n",
        status=1,
        err="either k8s-spec-set or k8s-raw-set can be run for each application, but not both",
    ),
    Row("k8s-spec-set", given={**CAAS, **MINION}, stdin="a: 1\n", status=1, err=NOT_LEADER),
    Row(
        "k8s-spec-set",
        given=CAAS,
        status=1,
        err="no k8s spec specified: pipe k8s spec to command, or specify a file with --file",
    ),
    Row(
        "k8s-spec-set",
        stdin="a: 1\n",
        status=1,
        err='k8s-spec-set is for charms on Kubernetes; the model of this unit has the type "iaas"',
    ),
]

REBOOT = [
    # A hook that fails reboots nothing.
    Row("juju-reboot", at_once={"reboot": "later"}, kept={"reboot": "later"}, lost={"reboot": ""}),
    Row("juju-reboot --now", at_once={"reboot": "now"}, kept={"reboot": "now"}, lost={"reboot": "now"}),
    Row("juju-reboot", given=RUNNING, status=1, err="juju-reboot is not supported when running an action."),
    Row("juju-reboot soon", status=2, err='unrecognized args: ["soon"]'),
]


@pytest.mark.parametrize("row", ACTIONS, ids=str)
def test_actions(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", SECRETS_READ, ids=str)
def test_reading_secrets(row: Row, check: Check) -> None:
    check(row)


def _with_new(value: Any) -> Any:
    """A value with the id of the secret that the row adds in place of ``%s``."""
    return value.replace("%s", NEW) if isinstance(value, str) else value


@pytest.mark.parametrize("row", SECRETS_WRITE, ids=str)
def test_adding_and_changing_secrets(row: Row, check: Check) -> None:
    row = Row(
        **{
            **vars(row),
            "line": _with_new(row.line),
            "out": _with_new(row.out),
            "kept": {_with_new(path): value for path, value in row.kept.items()},
            "lost": {_with_new(path): value for path, value in row.lost.items()},
        }
    )
    check(row)


@pytest.mark.parametrize("row", SECRETS_GRANT, ids=str)
def test_granting_secrets(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", STORAGE + STATE, ids=lambda row: str(row)[:60])
def test_storage_resources_and_state(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", PAYLOADS + METRICS, ids=str)
def test_payloads_and_metrics(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", RESTRICTED_HOOKS, ids=str)
def test_hooks_that_may_do_little(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", K8S + REBOOT, ids=str)
def test_kubernetes_and_reboots(row: Row, check: Check) -> None:
    check(row)
