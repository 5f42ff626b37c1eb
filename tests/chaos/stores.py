"""Clusters of three for tests/chaos/failover.py: doozerd, and etcd and ZooKeeper as Debian packages them, each
with its own defaults but for folders and addresses."""

import base64
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import network
import wire

HOSTS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
PATIENCE = 0.25  # seconds for one request; then the client asks again, on a new connection


class Member:
    """One process; `argv` starts it, every time."""

    def __init__(self, address, argv, log=os.devnull, env=None):
        self.address, self.argv, self.log, self.env = address, argv, log, env
        self.host = address.rpartition(":")[0]
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(self.env or {})), preexec_fn=network.die_with_parent)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


class Store:
    def __init__(self, members):
        self.members = members

    def start_all(self):
        for member in self.members:
            member.start()

    def wait_until_well(self):
        """Every member takes writes."""
        for member in self.members:
            end = time.monotonic() + 60
            while True:
                try:
                    member.connect().write(b"well")
                    break
                except Exception:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05)

    def victim(self):
        """The leader, where there is one."""
        for member in self.members:
            if member.leads():
                return member
        time.sleep(0.2)
        return self.victim()

    def stop(self):
        for member in self.members:
            member.kill()


# --- doozerd -------------------------------------------------------------------------------------
class DoozerConnection:
    def __init__(self, address):
        self.connection = wire.Connection(address, seconds=PATIENCE)

    def write(self, value):
        self.connection.put("/bench", value)


class DoozerMember(Member):
    def connect(self):
        return DoozerConnection(self.address)


class Doozer(Store):
    """No member leads: the last one fails."""

    def __init__(self, folder, doozerd):
        ports = [host + ":24900" for host in HOSTS]
        super().__init__([DoozerMember(
            address, [doozerd, "-l", address, "-w", "false", "-timeout", "10"],
            os.path.join(folder, "doozerd.log")) for address in ports])
        first = self.members[0]
        first.start()
        Store([first]).wait_until_well()
        for member in self.members[1:]:
            member.argv += ["-a", first.address]
            member.start()
        for slot in (1, 2):
            wire.Connection(first.address).put("/ctl/cal/%d" % slot, b"")

    @staticmethod
    def is_installed():
        return True

    def wait_until_well(self):
        super().wait_until_well()
        end = time.monotonic() + 60
        while True:
            slots = {v for _, _, v in wire.Connection(self.members[0].address).files("/ctl/cal/*")}
            ids = {wire.Connection(m.address).call("SELF")["value"] for m in self.members}
            if slots == ids:
                return
            if time.monotonic() > end:
                raise AssertionError("not all are members again")
            time.sleep(0.05)

    def victim(self):
        return self.members[-1]


# --- etcd ----------------------------------------------------------------------------------------
class EtcdConnection:
    """Through its HTTP gateway, on one connection that stays open."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.http = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        self.http.connect()
        self.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path, what):
        self.http.request("POST", path, json.dumps(what))
        response = self.http.getresponse()
        body = response.read()
        if response.status != 200:
            raise OSError(body.decode("utf-8", "replace"))
        return json.loads(body)

    def write(self, value):
        self.post("/v3/kv/put", {"key": base64.b64encode(b"bench").decode(),
                                 "value": base64.b64encode(value).decode()})


class EtcdMember(Member):
    def connect(self):
        return EtcdConnection(self.address)

    def leads(self):
        try:
            status = self.connect().post("/v3/maintenance/status", {})
        except Exception:
            return False
        return status.get("leader") == status["header"]["member_id"]


class Etcd(Store):
    def __init__(self, folder, _):
        cluster = ",".join("m%d=http://%s:24911" % (i, h) for i, h in enumerate(HOSTS))
        members = []
        for i, host in enumerate(HOSTS):
            peer, client = "http://%s:24911" % host, "http://%s:24910" % host
            members.append(EtcdMember(host + ":24910", [
                "etcd", "--name", "m%d" % i, "--data-dir", os.path.join(folder, "m%d" % i),
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", cluster, "--log-level", "error"]))
        super().__init__(members)
        self.start_all()

    @staticmethod
    def is_installed():
        return bool(shutil.which("etcd"))


# --- ZooKeeper -----------------------------------------------------------------------------------
def jute(data):
    return struct.pack(">i", len(data)) + data


class ZooKeeperConnection:
    """A session of its own; Jute, as far as it takes to create a node and to set it."""

    CREATE, SET_DATA, NODE_EXISTS = 1, 5, -110

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.xid = 0
        self.socket.sendall(jute(struct.pack(">iqiq", 0, 0, 10000, 0) + jute(bytes(16))))
        self.receive()
        anyone = struct.pack(">ii", 1, 31) + jute(b"world") + jute(b"anyone")
        self.call(self.CREATE, jute(b"/bench") + jute(b"") + anyone + struct.pack(">i", 0),
                  also=self.NODE_EXISTS)

    def receive(self):
        size = struct.unpack(">i", self.exactly(4))[0]
        return self.exactly(size)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise OSError("closed")
            data += more
        return data

    def call(self, kind, body, also=0):
        self.xid += 1
        self.socket.sendall(jute(struct.pack(">ii", self.xid, kind) + body))
        while True:
            xid, _, error = struct.unpack(">iqi", self.receive()[:16])
            if xid == self.xid:
                break
        if error not in (0, also):
            raise OSError("ZooKeeper's error %d" % error)

    def write(self, value):
        self.call(self.SET_DATA, jute(b"/bench") + jute(value) + struct.pack(">i", -1))


class ZooKeeperMember(Member):
    def connect(self):
        return ZooKeeperConnection(self.address)

    def leads(self):
        host, _, port = self.address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
                s.sendall(b"srvr")
                said = b""
                while more := s.recv(4096):
                    said += more
        except OSError:
            return False
        return b"Mode: leader" in said


class ZooKeeper(Store):
    JARS = "/usr/share/java/zookeeper.jar"

    def __init__(self, folder, _):
        servers = "".join("server.%d=%s:24921:24922\n" % (i, h) for i, h in enumerate(HOSTS, 1))
        members = []
        for i, host in enumerate(HOSTS, 1):
            data = os.path.join(folder, "m%d" % i)
            os.mkdir(data)
            with open(os.path.join(data, "myid"), "w", encoding="ascii") as f:
                f.write("%d\n" % i)
            config = os.path.join(folder, "m%d.cfg" % i)
            with open(config, "w", encoding="ascii") as f:
                f.write("tickTime=2000\ninitLimit=10\nsyncLimit=5\nadmin.enableServer=false\n"
                        "4lw.commands.whitelist=*\ndataDir=%s\nclientPort=24920\n"
                        "clientPortAddress=%s\n%s" % (data, host, servers))
            members.append(ZooKeeperMember(
                host + ":24920", ["java", "-Xmx256m", "-cp", self.JARS,
                                  "org.apache.zookeeper.server.quorum.QuorumPeerMain", config],
                os.path.join(folder, "m%d.log" % i)))
        super().__init__(members)
        self.start_all()

    @classmethod
    def is_installed(cls):
        return bool(shutil.which("java") and glob.glob(cls.JARS))
