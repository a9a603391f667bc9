"""A proxy over TCP, in a thread of its own: each connection goes to the next server that takes it."""

import asyncio
import threading
from collections import Counter
from contextlib import contextmanager, suppress

from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until


class Proxy:
    """`url` is where clients come in. Servers are known by their ports."""

    def __init__(self, ports):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ports, self._resting, self._next = list(ports), set(), 0
        self._open, self._clients, self._mutes = Counter(), set(), set()
        self._forwards = True

    def rest(self, port):
        """Send nobody there any more, and wait until those who are there have left."""
        self._resting.add(port)
        wait_until(lambda: not self._open[port])

    def send_to(self, port):
        self._resting.discard(port)

    def stop_forwarding(self):
        """Keep all connections and carry nothing: what a machine does that vanished, or a cut line."""
        self._forwards = False

    def is_keeping_back(self):
        """Whether something came since, and was not carried."""
        return any(mute.is_set() for mute in list(self._mutes))

    def forward_again(self):
        """For connections that are new; those of before stay mute."""
        self._forwards = True

    def hang_up(self):
        """End all connections at once."""
        for client in list(self._clients):
            self._loop.call_soon_threadsafe(client.transport.abort)

    async def serve(self):
        self._loop = asyncio.get_running_loop()
        return await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _take(self, reader, writer):
        port, upstream = await self._connect()
        if upstream is None:
            writer.close()
            return
        mute = threading.Event()
        self._clients.add(writer)
        self._mutes.add(mute)
        try:
            there, back = (self._carry(reader, upstream[1], mute), self._carry(upstream[0], writer, mute))
            await asyncio.gather(there, back)
        finally:
            self._open[port] -= 1
            self._clients.discard(writer)
            self._mutes.discard(mute)
            for end in (writer, upstream[1]):
                end.close()

    async def _connect(self):
        """The next port that is in rotation and takes a connection."""
        for _ in self._ports:
            self._next = (self._next + 1) % len(self._ports)
            port = self._ports[self._next]
            if port in self._resting:
                continue
            self._open[port] += 1
            with suppress(OSError):
                return port, await asyncio.open_connection("127.0.0.1", port)
            self._open[port] -= 1
        return None, None

    async def _carry(self, reader, writer, mute):
        with suppress(OSError):
            while data := await reader.read(65536):
                if not self._forwards:
                    mute.set()
                if not mute.is_set():
                    writer.write(data)
                    await writer.drain()
        with suppress(OSError):
            if not mute.is_set():
                writer.write_eof()


@contextmanager
def proxy(*ports):
    """One that runs."""
    loop, served = asyncio.new_event_loop(), Proxy(ports)
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(served.serve(), loop).result(PATIENCE_SECONDS)
    try:
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.close()


async def _end(server):
    server.close()
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    # Connections that were closed just now are ended in the next turns of the loop.
    await asyncio.sleep(0)
