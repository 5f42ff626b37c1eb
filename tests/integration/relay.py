"""A relay between a client and a server that can lose its connections and refuse new ones: the
network's misbehaviour, without touching the server."""

import select
import socket
import threading


class Relay:
    """Listens at `port` and carries bytes to and from `target` until it is told otherwise."""

    def __init__(self, port, target):
        self.port, self.address, self.target = port, port.address, target
        self.lock = threading.Lock()
        self.pairs = []
        self.carried = 0  # connections that were carried so far
        self.asked = b""  # by the client, since connections were last lost
        self.listener = None
        self.listen()

    def listen(self):
        host, _, port = self.address.rpartition(":")
        listener = socket.create_server((host, int(port)), backlog=128)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            host, _, port = self.target.rpartition(":")
            try:
                far = socket.create_connection((host, int(port)), 5)
            except OSError:
                near.close()
                continue
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.listener is not listener:
                    near.close()
                    far.close()
                    return
                self.pairs.append((near, far))
                self.carried += 1
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near, far):
        other = {near: far, far: near}
        try:
            while True:
                for s in select.select([near, far], [], [], 5)[0]:
                    data = s.recv(1 << 16)
                    if not data:
                        return
                    other[s].sendall(data)
                    if s is near:
                        self.asked += data
        except (OSError, ValueError):
            pass
        finally:
            near.close()
            far.close()

    def carries(self):
        """Whether a connection is being carried now."""
        with self.lock:
            return any(near.fileno() >= 0 for near, _ in self.pairs)

    def lose(self):
        """Ends all connections; new ones are carried."""
        with self.lock:
            pairs, self.pairs, self.asked = self.pairs, [], b""
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def refuse(self):
        """Ends all connections and refuses new ones, until `listen`."""
        with self.lock:
            listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        self.lose()

    close = refuse
