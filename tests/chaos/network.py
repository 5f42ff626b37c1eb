"""Hosts in network namespaces on one bridge, whose links can be cut, lossy, slow and disorderly.

A namespace lives as long as a process that holds it, and nothing has a name outside: whatever
happens to the laboratory, nothing of it stays behind. Loss and cuts are rules of nftables at the
receiver; a delay sends a link's packets through a TUN device and chaos_router, since not every
kernel has netem. Root is not needed where user namespaces are allowed.
"""

import ctypes
import os
import shutil
import signal
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
NET = "10.77.0."


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*argv, stdin=None):
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode:
        raise OSError("%s: %s" % (" ".join(argv), done.stderr.strip()))


def allowed():
    """Whether there may be such a network here, with the tools that it needs."""
    if not all(map(shutil.which, ("ip", "nft", "nsenter"))):
        return False
    child = os.fork()
    if child == 0:
        try:
            good = enter_a_namespace_of_our_own()
            run("ip", "link", "add", "switch", "type", "bridge")
            run("nft", "-f", "-", stdin="table inet chaos {\nchain in {\n}\n}\n")
        except OSError:
            good = False
        os._exit(0 if good else 1)
    return os.waitpid(child, 0)[1] == 0


def enter_a_namespace_of_our_own():
    """This process becomes the switch that all hosts hang on. False where that is not allowed."""
    if os.geteuid() == 0 and LIBC.unshare(CLONE_NEWNET) == 0:
        return True
    uid, gid = os.geteuid(), os.getegid()
    if LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                       ("gid_map", "0 %d 1" % gid)):
        with open("/proc/self/" + name, "w", encoding="ascii") as f:
            f.write(text)
    return True


class Host:
    """One namespace with an address on the bridge."""

    def __init__(self, number):
        self.number = number
        self.address = NET + str(number)
        self.loss = {}  # address of the sender: of a thousand packets; or "reset"
        def apart():
            die_with_parent()
            if LIBC.unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
        self.holder = subprocess.Popen(["sleep", "infinity"], preexec_fn=apart)
        self.namespace = "/proc/%d/ns/net" % self.holder.pid
        outside = "host%d" % number
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns",
            str(self.holder.pid))
        run("ip", "link", "set", outside, "master", "switch", "up")
        self.inside("ip", "addr", "add", self.address + "/24", "dev", "eth0")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "set", "eth0", "up")
        self.inside("nft", "-f", "-", stdin="table inet chaos {\nchain in {\n"
                    "type filter hook input priority 0;\n}\n}\n")

    def inside(self, *argv, stdin=None):
        run("nsenter", "--net=" + self.namespace, *argv, stdin=stdin)

    def enter(self):
        """For a process between fork and exec."""
        fd = os.open(self.namespace, os.O_RDONLY)
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def apply_loss(self):
        rules = ["flush chain inet chaos in"]
        for sender, loss in sorted(self.loss.items()):
            rule = "add rule inet chaos in ip saddr %s " % sender
            if loss == "reset":
                rules.append(rule + "meta l4proto tcp reject with tcp reset")
            elif loss >= 1000:
                rules.append(rule + "drop")
            elif loss > 0:
                rules.append(rule + "numgen random mod 1000 < %d drop" % loss)
        self.inside("nft", "-f", "-", stdin="\n".join(rules) + "\n")


class Network:
    """`hosts` by number. Every method concerns one direction: what comes from one and goes to
    another. `can_delay` is false where /dev/net/tun may not be opened."""

    def __init__(self, numbers, router, seed):
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "switch", "type", "bridge")
        run("ip", "link", "set", "switch", "up")
        for own in (254, 253):  # the laboratory, and those of its clients that behave badly
            run("ip", "addr", "add", "%s%d/24" % (NET, own), "dev", "switch")
        self.hosts = {n: Host(n) for n in numbers}
        self.routed = set()
        self.router = subprocess.Popen(
            [router, str(seed), *("%s=%s" % (h.namespace, h.address) for h in self.hosts.values())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)
        self.can_delay = self.router.stdout.readline() == "ready\n"
        if not self.can_delay:
            return
        for host in self.hosts.values():
            host.inside("ip", "link", "set", "slow0", "up")
            host.inside("sh", "-c", "for f in all slow0 eth0; do"
                        " echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; done")

    def lose(self, sender, receiver, of_a_thousand):
        """1000 is a cut; "reset" answers every packet of a connection with its end."""
        host = self.hosts[receiver]
        host.loss[NET + str(sender)] = of_a_thousand
        host.apply_loss()

    def delay(self, sender, receiver, delay_ms, jitter_ms=0, reordered=0):
        source, target = self.hosts[sender], self.hosts[receiver]
        self.router.stdin.write("%s %s %d %d %d\n" % (
            source.address, target.address, delay_ms * 1000, jitter_ms * 1000, reordered))
        self.router.stdin.flush()
        if delay_ms or jitter_ms:
            source.inside("ip", "route", "replace", target.address, "dev", "slow0", "src",
                          source.address)
            self.routed.add((sender, receiver))
        elif (sender, receiver) in self.routed:
            source.inside("ip", "route", "del", target.address, "dev", "slow0")
            self.routed.discard((sender, receiver))

    def heal(self):
        for host in self.hosts.values():
            if any(host.loss.values()):
                host.loss.clear()
                host.apply_loss()
        for sender, receiver in sorted(self.routed):
            self.delay(sender, receiver, 0)

    def close(self):
        for process in (self.router, *(h.holder for h in self.hosts.values())):
            process.kill()
            process.wait()
