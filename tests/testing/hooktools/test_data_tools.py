"""What the tools answer that read and set configuration, relations, addresses, ports and status."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from facts import Row, in_hook

pytestmark = pytest.mark.long

Check = Callable[[Row], None]

CHANGED = in_hook("db-relation-changed", "db:0", "pg/0", "pg")
CREATED = in_hook("db-relation-created", "db:0", "", "pg")
BROKEN = in_hook("db-relation-broken", "db:0", "", "pg")
MINION = {"leader": False}
DEPARTED: Any = {
    **in_hook("db-relation-departed", "db:0", "pg/1", "pg"),
    "relations.db:0.units": {"pg/0": {"host": "h0"}},
    "relations.db:0.departing": {"pg/1": {"host": "h1"}},
}
OWN = "egress-subnets: 10.0.0.5/32\ningress-address: 10.0.0.5\n"
CAAS = {"model": {"name": "m", "uuid": "u", "type": "caas"}}


CONFIG = [
    # Smart format: text as it is, nothing for null, Python's words for truth, a dictionary as YAML.
    Row("config-get port", "80\n"),
    Row("config-get ratio", "0.5\n"),
    Row("config-get whole --format=json", "2\n"),
    Row("config-get debug", "True\n"),
    Row("config-get debug --format=yaml", "true\n"),
    Row("config-get note", ""),
    Row("config-get note --format=json", "null\n"),
    Row("config-get note --format=yaml", ""),
    Row("config-get nonesuch --format=json", "null\n"),
    Row("config-get name", "<a&b>\n"),
    Row("config-get name --format=json", '"\\u003ca\\u0026b\\u003e"\n'),
    Row("config-get", "debug: true\nname: <a&b>\nport: 80\nratio: 0.5\nwhole: 2\n"),
    Row("config-get --all", "debug: true\nname: <a&b>\nnote: null\nport: 80\nratio: 0.5\nwhole: 2\n"),
    Row("config-get ''", "debug: true\nname: <a&b>\nport: 80\nratio: 0.5\nwhole: 2\n"),
    Row(
        "config-get -a port",
        status=2,
        err='cannot use argument --all together with key "port"',
    ),
    # Text that YAML would read as something else is in quotes, and keys are in natural order.
    Row("config-get --format=yaml v", '"123"\n', given={"config.v": "123"}),
    Row("config-get --format=yaml v", '"yes"\n', given={"config.v": "yes"}),
    Row("config-get --format=yaml v", '"y"\n', given={"config.v": "y"}),
    Row("config-get --format=yaml v", '""\n', given={"config.v": ""}),
    Row("config-get --format=yaml v", "'a: b'\n", given={"config.v": "a: b"}),
    Row("config-get --format=yaml v", "|-\n  a\n  b\n", given={"config.v": "a\nb"}),
    Row("config-get", "a2: 1\na10: 1\n", given={"config": {"a10": 1, "a2": 1}}),
    Row("config-get v", "ä ☃\n", given={"config.v": "ä ☃"}),
]

LEADERSHIP = [
    Row("is-leader", "True\n"),
    Row("is-leader --format=json", "false\n", given=MINION),
    Row("is-leader now", status=2, err='unrecognized args: ["now"]'),
    # Leader settings change at once, whatever becomes of the hook.
    Row("leader-set a=1 b=", lost={"leader-settings": {"a": "1"}}, given={"leader-settings": {"b": "2"}}),
    Row("leader-get a", "1\n", after=["leader-set a=1"]),
    Row("leader-get", 'a: "1"\n', after=["leader-set a=1"]),
    Row("leader-get - --format=json", "{}\n"),
    Row("leader-get b --format=json", "null\n"),
    Row("leader-get a=1", status=2, err='invalid key "a=1"'),
    Row("leader-set a", status=2, err='expected "key=value", got "a"'),
    Row("leader-set a=1 a=2", status=2, err='key "a" specified more than once'),
    Row(
        "leader-set a=1",
        given=MINION,
        status=1,
        err="cannot write leadership settings: cannot write settings: not the leader",
    ),
    Row("leader-get a", "1\n", given={**MINION, "leader-settings": {"a": "1"}}),
]

RELATION_IDS = [
    Row("relation-ids db", "db:0\n"),
    Row("relation-ids ring --format=json", '["ring:1"]\n'),
    Row("relation-ids web --format=json", "[]\n"),
    Row("relation-ids nonesuch", ""),
    Row("relation-ids", "db:0\n", given=CHANGED),
    Row("relation-ids", status=2, err="no endpoint name specified"),
    # As text they are sorted, so db:10 is before db:9.
    Row("relation-ids db", "db:10\ndb:9\n", given={"relations": {"db:9": {}, "db:10": {}}}),
    # A broken relation is not listed since Juju 3.4.4; whoever knows its id can still use it.
    Row("relation-ids db --format=json", "[]\n", given=BROKEN),
    Row("relation-ids db", "db:0\n", given={**BROKEN, "juju-version": "3.4.3"}),
    Row("relation-ids ring", "ring:1\n", given=in_hook("ring-relation-broken", "ring:1", "", "app")),
    Row("relation-list -r db:0 --format=json", "[]\n", given={**BROKEN, "relations.db:0.units": {}}),
    Row("relation-get schema", "s\n", given={**BROKEN, "relations.db:0.units": {}}),
    Row("relation-list -r db:0", "pg/0\npg/1\n"),
    Row("relation-list -r 0 --format=json", '["pg/0","pg/1"]\n'),
    Row("relation-list -r web:0", "pg/0\npg/1\n"),
    Row("relation-list --relation=db:0 --app", "pg\n"),
    Row("relation-list -r ring:1 --app --format=json", '"app"\n'),
    Row("relation-list", "pg/0\npg/1\n", given=CHANGED),
    Row("relation-list", "pg/0\n", given=DEPARTED),
    Row("relation-list", status=2, err="no relation id specified"),
    Row("relation-list -r db:9", status=2, err='invalid value "db:9" for option -r: relation not found'),
    Row(
        "relation-list --relation db:9",
        status=2,
        err='invalid value "db:9" for option --relation: relation not found',
    ),
    Row("relation-list -r db", status=2, err='invalid value "db" for option -r: invalid relation id'),
    Row("relation-model-get -r db:0", "uuid: here\n", given={"model": {"uuid": "here", "type": "iaas"}}),
    Row(
        "relation-model-get --format=json",
        '{"uuid":"there"}\n',
        given={**CHANGED, "relations.db:0.model": "there"},
    ),
    Row("relation-model-get", status=2, err="no relation id specified"),
]

RELATION_GET = [
    Row("relation-get", 'host: h0\nport: "5432"\n', given=CHANGED),
    Row("relation-get --format=json", '{"host":"h0","port":"5432"}\n', given=CHANGED),
    Row("relation-get host", "h0\n", given=CHANGED),
    Row("relation-get - pg/1", "host: h1\n", given=CHANGED),
    Row("relation-get nonesuch", "", given=CHANGED),
    Row("relation-get nonesuch --format=json", "null\n", given=CHANGED),
    Row("relation-get --app schema", "s\n", given=CHANGED),
    Row("relation-get --app - pg/1", "schema: s\n", given=CHANGED),
    # A hook that is about no unit is about the application.
    Row("relation-get", "schema: s\n", given=CREATED),
    Row("relation-get -r db:0 host pg/1", "h1\n"),
    Row("relation-get -r db:0", status=2, err="no unit or application specified"),
    Row("relation-get -r db:0 --app", status=2, err="no unit or application specified"),
    Row("relation-get -r db:0 - pg", status=2, err='expected unit name, got application name "pg"'),
    Row("relation-get -r db:0 - p_g", status=2, err='invalid unit name "p_g"'),
    Row("relation-get -r db:0 - pg/0 more", status=2, err='unrecognized args: ["more"]'),
    # The unit that departs is no member any more, and its data are there.
    Row("relation-get host", "h1\n", given=DEPARTED),
    Row(
        "relation-get -r db:0 - pg/7",
        status=1,
        err='cannot read settings for unit "pg/7" in relation "db:0": unit "pg/7": settings not found',
    ),
    Row("relation-get -r db:0 - maria/0", status=1, err="permission denied"),
    Row("relation-get -r db:0 --app - maria", status=1, err="permission denied"),
    # Own data: the unit's are always its to read, the application's only the leader's, but among peers.
    Row("relation-get -r db:0 - app/0", OWN + "private-address: 10.0.0.5\n"),
    Row("relation-get -r db:0 --app --format=json - app", "{}\n"),
    Row("relation-get -r db:0 --app - app", given=MINION, status=1, err="permission denied"),
    Row("relation-get -r ring:1 --app token app", "t\n", given=MINION),
    Row("relation-get -r ring:1 id app/1", "1\n"),
]

RELATION_SET = [
    # Seen by the same hook at once, by others when the hook has succeeded, and forgotten if it fails.
    Row(
        "relation-set -r db:0 a=1",
        kept={"relations.db:0.local-unit.a": "1"},
        lost={"relations.db:0.local-unit.a": None},
    ),
    Row(
        "relation-get -r db:0 a app/0", "2\n", after=["relation-set -r db:0 a=1", "relation-set -r db:0 a=2"]
    ),
    Row(
        "relation-set private-address=",
        given=CHANGED,
        kept={"relations.db:0.local-unit.private-address": None},
    ),
    Row(
        "relation-get -r db:0 - app/0",
        OWN,
        after=["relation-set -r db:0 private-address="],
        at_once={"relations.db:0.local-unit.private-address": "10.0.0.5"},
    ),
    Row("relation-set --app -r db:0 x=y", kept={"relations.db:0.local-application": {"x": "y"}}),
    Row("relation-get --app -r db:0 x app", "y\n", after=["relation-set --app -r db:0 x=y"]),
    Row("relation-set -r db:0 --app x=y", given=MINION, status=1, err="cannot write relation settings"),
    Row("relation-set -r db:0 x=y", given=MINION, kept={"relations.db:0.local-unit.x": "y"}),
    Row("relation-set -r db:0 a==b", kept={"relations.db:0.local-unit.a": "=b"}),
    Row("relation-set -r db:0", kept={"relations.db:0.local-application": {}}),
    Row("relation-set a=1", status=2, err="no relation id specified"),
    Row("relation-set -r db:0 a", status=2, err='expected "key=value", got "a"'),
    Row("relation-set -r db:0 =a", status=2, err='expected "key=value", got "=a"'),
    Row("relation-set -r db:9 a=b", status=2, err='invalid value "db:9" for option -r: relation not found'),
    # A file is YAML: its values are taken as they are written, null takes away, and arguments go before it.
    Row(
        "relation-set -r db:0 --file - b=2",
        stdin="a: 01\nb: 1\nprivate-address: null\nc: |\n  x\n  y\nd: yes\n",
        kept={
            "relations.db:0.local-unit": {
                "a": "01",
                "b": "2",
                "c": "x\ny\n",
                "d": "yes",
                "egress-subnets": "10.0.0.5/32",
                "ingress-address": "10.0.0.5",
            }
        },
    ),
    Row("relation-set -r db:0 --file -", stdin="", kept={"relations.db:0.local-application": {}}),
    Row(
        "relation-set -r db:0 --file -",
        stdin="a: [1]\n",
        status=1,
        err="yaml: unmarshal errors: line 1: a value in - is not text",
    ),
    Row("relation-set -r db:0 --file /none", status=1, err="open /none: no such file or directory"),
    Row("relation-set -r db:0 --format json a=1", err='--format flag deprecated for command "relation-set"'),
]

OPTIONS = [
    Row("relation-get -rdb:0 host pg/0", "h0\n"),
    Row("relation-get --app=false -r db:0 host pg/0", "h0\n"),
    Row(
        "relation-get --app=maybe",
        status=2,
        err='invalid value "maybe" for option --app: strconv.ParseBool: parsing "maybe": invalid syntax',
    ),
    Row("relation-get --relation", status=2, err="option needs an argument: --relation"),
    Row("relation-get -x", status=2, err="option provided but not defined: -x"),
    Row("relation-get --units", status=2, err="option provided but not defined: --units"),
    Row(
        "relation-get --format=xml",
        status=2,
        err='invalid value "xml" for option --format: unknown format "xml"',
    ),
    Row(
        "goal-state --format=smart",
        status=2,
        err='invalid value "smart" for option --format: unknown format "smart"',
    ),
    Row("juju-log -l DEBUG -- -x", ""),
    Row("juju-log", status=2, err="no message specified"),
]

STATUS = [
    Row(
        "status-set blocked 'no database'",
        lost={"status.unit": {"status": "blocked", "message": "no database"}},
    ),
    Row("status-set active", lost={"status.unit": {"status": "active", "message": ""}}),
    Row("status-set --application active ok", lost={"status.application.message": "ok"}),
    Row("status-set --application active", given=MINION, status=1, err="this unit is not the leader"),
    Row("status-set", status=2, err="invalid args, require <status> [message]"),
    Row(
        "status-set error x",
        status=2,
        err='invalid status "error", expected one of [maintenance blocked waiting active]',
    ),
    Row("status-set active a b", status=2, err='unrecognized args: ["b"]'),
    Row("status-get", "waiting\n"),
    Row("status-get", "active\n", after=["status-set active fine"]),
    Row("status-get --include-data", "message: installing agent\nstatus: waiting\nstatus-data: {}\n"),
    Row("status-get --format=json", '{"status":"waiting"}\n'),
    Row("status-get --application", "unknown\n"),
    Row(
        "status-get --application --format=json",
        '{"application-status":{"status":"unknown","units":{"app/0":{"status":"waiting"},"app/1":{"status":"active"}}}}\n',
        given={"goal": {"app/1": "active"}},
    ),
    Row(
        "status-get --application",
        given=MINION,
        status=1,
        err="finding application status: this unit is not the leader",
    ),
    Row("application-version-set 1.2.3", lost={"version": "1.2.3"}),
    Row("application-version-set", status=2, err="no version specified"),
]

PORTS = [
    Row("open-port 80", kept={"ports": ["80/tcp"]}, lost={"ports": []}),
    Row("opened-ports", "80/tcp\n", after=["open-port 80"], lost={"ports": []}),
    Row(
        "opened-ports", "icmp\n80/tcp\n9000-9010/udp\n", given={"ports": ["icmp", "80/tcp", "9000-9010/udp"]}
    ),
    Row("opened-ports --format=json", "[]\n"),
    Row("open-port 8080/TCP", kept={"ports": ["8080/tcp"]}),
    Row("open-port icmp", kept={"ports": ["icmp"]}),
    Row("close-port 80", given={"ports": ["80/tcp", "81/tcp"]}, kept={"ports": ["81/tcp"]}),
    Row("close-port 80", kept={"ports": []}),
    Row("open-port 80", given={"ports": ["80/tcp"]}, after=["close-port 80"], kept={"ports": ["80/tcp"]}),
    Row("close-port 81", after=["open-port 81"], kept={"ports": []}),
    Row(
        "open-port 80-90",
        given={"ports": ["85/tcp"]},
        status=1,
        err='cannot open 80-90/tcp (unit "app/0"): port range conflicts with 85/tcp (unit "app/0")',
    ),
    Row(
        "open-port 80-90",
        after=["open-port 85"],
        status=1,
        err='cannot open 80-90/tcp (unit "app/0"): port range conflicts with 85/tcp (unit "app/0") '
        "requested earlier",
    ),
    Row("open-port 80-90/udp", given={"ports": ["85/tcp"]}, kept={"ports": ["85/tcp", "80-90/udp"]}),
    Row("open-port", status=2, err="no port or range specified"),
    Row("open-port x", status=2, err='invalid port "x": strconv.Atoi: parsing "x": invalid syntax'),
    Row("open-port 1-2-3", status=2, err='invalid port range "1-2-3"'),
    Row("open-port 90-80", status=2, err="invalid port range 90-80/tcp"),
    Row("open-port 80/sctp", status=2, err='invalid protocol "sctp", expected "tcp", "udp", or "icmp"'),
    Row("open-port 80/icmp", status=2, err='protocol "icmp" doesn\'t support any ports; got "80"'),
    Row("open-port 65536", status=2, err="port range bounds must be between 0 and 65535, got 65536-65536"),
    # For some endpoints only.
    Row(
        "open-port 80 --endpoints db,web",
        kept={"ports": ["80/tcp"], "port-endpoints": {"80/tcp": ["db", "web"]}},
    ),
    Row(
        "opened-ports --endpoints",
        "80/tcp (db, web)\n81/tcp (*)\n",
        after=["open-port 80 --endpoints web,db", "open-port 81"],
    ),
    Row(
        "open-port 80",
        given={"ports": ["80/tcp"], "port-endpoints": {"80/tcp": ["db"]}},
        kept={"ports": ["80/tcp"], "port-endpoints": {}},
    ),
    Row(
        "close-port 80 --endpoints db",
        given={"ports": ["80/tcp"]},
        kept={"port-endpoints": {"80/tcp": ["public", "ring", "web"]}},
    ),
    Row(
        "close-port 80 --endpoints db",
        given={"ports": ["80/tcp"], "port-endpoints": {"80/tcp": ["db"]}},
        kept={"ports": [], "port-endpoints": {}},
    ),
    Row("open-port 80 --endpoints nope", status=1, err='endpoint "nope" not found'),
    Row(
        "open-port 80-90",
        given=CAAS,
        status=1,
        err="port ranges are not supported for k8s applications, please specify a single port",
    ),
]

TWO: Any = {
    "bind-addresses": [
        {
            "interface-name": "eth0",
            "mac-address": "00:16:3e:00:00:01",
            "addresses": [
                {"address": "10.0.0.5", "cidr": "10.0.0.0/24"},
                {"address": "10.0.0.6", "cidr": "10.0.0.0/24"},
            ],
        },
        {"interface-name": "eth1", "addresses": [{"address": "fd00::5", "hostname": "six"}]},
    ],
    "ingress-addresses": ["203.0.113.7"],
    "egress-subnets": ["203.0.113.0/28", "10.0.0.0/24"],
}
NETWORKS = [
    Row("network-get db --primary-address", "10.0.0.5\n"),
    Row("network-get public --bind-address", "10.0.0.5\n"),
    Row("network-get ring --egress-subnets", "10.0.0.5/32\n"),
    Row("network-get db --ingress-address", "203.0.113.7\n", given={"networks": {"db": TWO}}),
    Row("network-get db --primary-address", "10.0.0.5\n", given={"networks": {"db": TWO}}),
    Row(
        "network-get db --egress-subnets --format=json",
        '["203.0.113.0/28","10.0.0.0/24"]\n',
        given={"networks": {"db": TWO}},
    ),
    Row(
        "network-get db --ingress-address --bind-address --format=json",
        '{"bind-address":"10.0.0.5","ingress-address":"203.0.113.7"}\n',
        given={"networks": {"db": TWO}},
    ),
    Row(
        "network-get db --format=json",
        '{"bind-addresses":[{"mac-address":"00:16:3e:00:00:01","interface-name":"eth0","addresses":'
        '[{"hostname":"","value":"10.0.0.5","cidr":"10.0.0.0/24"},{"hostname":"","value":"10.0.0.6","cidr":"10.0.0.0/24"}]},'
        '{"mac-address":"","interface-name":"eth1","addresses":[{"hostname":"six","value":"fd00::5","cidr":"fd00::5/128"}]}],'
        '"egress-subnets":["203.0.113.0/28","10.0.0.0/24"],"ingress-addresses":["203.0.113.7"]}\n',
        given={"networks": {"db": TWO}},
    ),
    Row(
        "network-get db",
        'bind-addresses:\n- mac-address: ""\n  interface-name: eth0\n  addresses:\n  - hostname: ""\n'
        "    value: 10.0.0.5\n    cidr: 10.0.0.5/32\n    address: 10.0.0.5\n"
        '  macaddress: ""\n  interfacename: eth0\n'
        "egress-subnets:\n- 10.0.0.5/32\ningress-addresses:\n- 10.0.0.5\n",
    ),
    # A relation may have a network of its own, which its hooks have by default.
    Row("network-get db -r db:0 --ingress-address", "203.0.113.7\n", given={"relations.db:0.network": TWO}),
    Row(
        "network-get db --ingress-address", "203.0.113.7\n", given={**CHANGED, "relations.db:0.network": TWO}
    ),
    Row("network-get db --ingress-address", "10.0.0.5\n", given={"relations.db:0.network": TWO}),
    Row(
        "network-get db --primary-address --bind-address",
        status=1,
        err="--primary-address must be the only flag specified",
    ),
    Row("network-get nowhere", status=1, err='no network config found for binding "nowhere"'),
    Row("network-get", status=2, err="no arguments specified"),
    Row("network-get db -r db:9", status=2, err='invalid value "db:9" for option -r: relation not found'),
    Row(
        "network-get db --bind-address",
        given={"networks": {"db": {"bind-addresses": []}}},
        status=1,
        err='no addresses attached to space for binding "db"',
    ),
    Row("unit-get private-address", "10.0.0.5\n"),
    Row("unit-get public-address", "10.0.0.5\n"),
    Row(
        "unit-get public-address --format=json", '"198.51.100.1"\n', given={"public-address": "198.51.100.1"}
    ),
    Row("unit-get", status=2, err="no setting specified"),
    Row("unit-get address", status=2, err='unknown setting "address"'),
]

GOAL = [
    Row(
        "goal-state",
        "units:\n  app/0:\n    status: waiting\n  app/1:\n    status: active\n"
        "relations:\n  db:\n    pg:\n      status: joined\n"
        "    pg/0:\n      status: active\n    pg/1:\n      status: active\n",
    ),
    Row(
        "goal-state --format=json",
        '{"units":{"app/0":{"status":"waiting"},"app/1":{"status":"active"},"app/2":{"status":"waiting"}},'
        '"relations":{"db":{"pg":{"status":"joined"},"pg/0":{"status":"active"},"pg/1":{"status":"dying"},"pg/2":{"status":"waiting"}}}}\n',
        given={**DEPARTED, "goal": {"app/2": "waiting", "pg/2": "waiting"}},
    ),
    Row("goal-state now", status=2, err='unrecognized args: ["now"]'),
    Row("credential-get", status=1, err="cannot access cloud credentials: permission denied"),
    Row(
        "credential-get --format=json",
        '{"name":"lab","type":"lxd"}\n',
        given={"credential": {"type": "lxd", "name": "lab"}},
    ),
    Row(
        "credential-get",
        given=CAAS,
        status=1,
        err='cannot access cloud credentials: credential-get on a "caas" model not supported',
    ),
]


@pytest.mark.parametrize("row", CONFIG + LEADERSHIP, ids=str)
def test_configuration_and_leadership(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", RELATION_IDS + RELATION_GET, ids=str)
def test_reading_relations(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", RELATION_SET, ids=str)
def test_setting_relation_data(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", OPTIONS, ids=str)
def test_options(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", STATUS, ids=str)
def test_status_and_version(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", PORTS, ids=str)
def test_ports(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", NETWORKS, ids=str)
def test_networks(row: Row, check: Check) -> None:
    check(row)


@pytest.mark.parametrize("row", GOAL, ids=str)
def test_goal_state_and_credential(row: Row, check: Check) -> None:
    check(row)
