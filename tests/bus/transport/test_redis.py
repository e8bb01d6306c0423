"""What the transport says of a Redis that will not do, and what its log keeps."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from bus.transport import BusUnfit, BusUnreachable, NameTaken, Node, Parcel, RedisTransport
from tests.kit.proxy import Proxy
from tests.kit.redis_server import RedisServer, free_port, redis_server, sentinel


def node(name: str, token: str = "1") -> Node:
    return Node(name=name, token=token, version="1", services=(), serves=(), wants={}, sessions=())


async def refused(url: str, prefix: str = "p") -> str:
    transport = RedisTransport(url, "here", prefix=prefix)
    with pytest.raises((BusUnfit, BusUnreachable)) as caught:
        await transport.open()
    await transport.close()
    return str(caught.value)


async def test_nobody_there(tmp_path) -> None:
    assert "cannot be reached" in await refused(f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize(
    "url",
    [
        "http://open:sesame@host",
        "redis://:open/sesame@host",
        "redis://:open?sesame@host",
        "redis://:open#sesame@host",
        "sentinel://open:sesame@host:26379",
        "redis://host:port",
    ],
)
def test_no_url_of_a_redis(url: str) -> None:
    """What may be a piece of a password is not shown."""
    with pytest.raises(BusUnreachable, match="redis://HOST:6379") as caught:
        RedisTransport(url, "here")
    assert "open" not in str(caught.value)
    assert "sesame" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["redis://host?password=secret", "redis://host?password=a@secret", "unix://:secret@/x"])
def test_a_password_is_not_shown_wherever_the_url_has_it(url: str) -> None:
    assert "secret" not in RedisTransport(url, "here").place


async def test_nobody_listens_at_the_port() -> None:
    assert "cannot be reached" in await refused(f"redis://127.0.0.1:{free_port()}")


async def test_what_answers_may_be_no_redis() -> None:
    """A web server, for one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as web:
        assert "is no Redis" in await refused(f"redis://127.0.0.1:{web.sockets[0].getsockname()[1]}")


async def test_a_replica_takes_no_events() -> None:
    with redis_server() as server:
        with server.client() as client:
            client.replicaof("127.0.0.1", str(free_port()))
        assert "is a replica" in await refused(server.url)


async def test_a_wrong_password_is_told_without_showing_it() -> None:
    with redis_server() as server:
        with server.client() as client:
            client.config_set("requirepass", "right")
        assert "refuses the user or password" in await refused(server.url)
        told = await refused(server.url.replace("unix://", "unix://:wrong@"))
    assert "refuses" in told
    assert "wrong" not in told.replace("wrong username-password pair", "")


async def test_a_redis_that_throws_keys_away_is_refused() -> None:
    with redis_server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        assert "maxmemory-policy allkeys-lru" in await refused(server.url)


async def test_a_key_of_another_program_is_left_alone(server: RedisServer, prefix: str) -> None:
    with server.client() as client:
        client.set(f"{prefix}:to:here", "theirs")
        assert "belongs to another program" in await refused(server.url, prefix)
        assert client.get(f"{prefix}:to:here") == b"theirs"


async def test_a_living_process_s_name_is_not_taken(server: RedisServer, prefix: str) -> None:
    """The same process may say again that it lives."""
    transport = RedisTransport(server.url, "here", prefix=prefix)
    await transport.presence.announce(node("here", "1"))
    await transport.presence.announce(node("here", "1"))
    with pytest.raises(NameTaken, match="--name"):
        await transport.presence.announce(node("here", "2"))
    await transport.close()


async def test_who_was_refused_a_name_takes_nothing_along(server: RedisServer, prefix: str) -> None:
    """The one that has it keeps its place among the living, and its log."""
    here, twin, other = (RedisTransport(server.url, name, prefix=prefix) for name in ("here", "here", "other"))
    for transport in (here, twin, other):
        await transport.open()
    await here.presence.announce(node("here", "1"))
    other.send(Parcel(b"{}", to=("here",)))
    sending = asyncio.create_task(other.keep_sending())
    await other.flushed()
    with pytest.raises(NameTaken):
        await twin.presence.announce(node("here", "2"))
    await twin.leave(for_good=True)
    assert await other.living() == {"here": node("here", "1")}
    with server.client() as client:
        assert client.xlen(f"{prefix}:to:here") == 1
    sending.cancel()
    for transport in (here, twin, other):
        await transport.close()


async def test_only_what_is_settled_is_forgotten(server: RedisServer, prefix: str) -> None:
    """What a process still works on stays in its log, wherever it stands there."""
    here, there = (RedisTransport(server.url, name, prefix=prefix) for name in ("here", "there"))
    for transport in (here, there):
        await transport.open()
    sending = [asyncio.create_task(transport.keep_sending()) for transport in (here, there)]
    for number in range(300):
        here.send(Parcel(b"{%d}" % number, to=("there",)))
    await here.flushed()
    got: list[Parcel] = []
    async with asyncio.timeout(60):
        async for parcels, _ in there.receive():
            got += parcels
            if len(got) == 300:
                break
        for parcel in got[:100] + got[101:]:
            there.settle(parcel.entry)
        with server.client() as client:
            while (left := client.xrange(f"{prefix}:to:there")) and len(left) > 1:
                await asyncio.sleep(0.01)
    assert [parcel.header for parcel in got] == [b"{%d}" % number for number in range(300)]
    assert [entry for entry, _ in left] == [got[100].entry]
    for task in sending:
        task.cancel()
    for transport in (here, there):
        await transport.close()


async def test_what_redis_forgot_is_sent_again(prefix: str) -> None:
    """One that was killed before it had written down what it said yes to; in the order in which it was sent."""
    with redis_server("--appendonly", "no") as server:
        here, there = (RedisTransport(server.url, name, prefix=prefix) for name in ("here", "there"))
        for transport in (here, there):
            await transport.open()
        tasks = [asyncio.create_task(here.keep_sending()), asyncio.create_task(anext(here.receive()))]
        for number in range(5):
            here.send(Parcel(b"{%d}" % number, to=("there",)))
        await here.flushed()
        server.kill()
        here.send(Parcel(b"{5}", to=("there",)))
        server.start()
        got: list[Parcel] = []
        async with asyncio.timeout(60):
            async for parcels, _ in there.receive():
                got += parcels
                if len(got) == 6:
                    break
        assert [parcel.header for parcel in got] == [b"{%d}" % number for number in range(6)]
        for task in tasks:
            task.cancel()
        for transport in (here, there):
            await transport.close()


async def test_what_an_older_version_had_in_hand_is_found(server: RedisServer, prefix: str) -> None:
    """It noted among what is pending what it had read; where it stands in the log says the same."""
    log = f"{prefix}:to:here"
    with server.client() as client:
        client.xgroup_create(log, "g", id="0", mkstream=True)
        for text in ("done", "begun", "new"):
            client.xadd(log, {"o": "there 1", "e": text})
        client.xreadgroup("g", "reader", {log: ">"}, count=2)
        done = next(iter(client.xrange(log)))[0]
        client.xack(log, "g", done)
        client.xdel(log, done)
    transport = RedisTransport(server.url, "here", prefix=prefix)
    await transport.open()
    got: list[Parcel] = []
    async with asyncio.timeout(60):
        async for parcels, _ in transport.receive():
            got += parcels
            if len(got) == 2:
                break
    await transport.close()
    assert [(parcel.header, parcel.tries) for parcel in got] == [(b"begun", 1), (b"new", 0)]


async def test_a_cluster_is_refused() -> None:
    """Its slots would tear a household apart."""
    with redis_server("--cluster-enabled", "yes") as server:
        assert "is a Redis cluster" in await refused(server.url)


async def test_a_redis_that_is_too_old_is_refused() -> None:
    """By what it says of itself."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(4096):
            about = b"redis_version:5.0.14\r\nredis_mode:standalone\r\n"
            reply = b"$%d\r\n%b\r\n" % (len(about), about) if b"INFO" in command else b"+OK\r\n"
            writer.write(reply)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as old:
        port = old.sockets[0].getsockname()[1]
        assert "Redis 5.0.14" in await refused(f"redis://127.0.0.1:{port}")


async def test_a_user_with_these_rights_is_enough(server: RedisServer, prefix: str) -> None:
    """And one with fewer is told what is missing, without its password."""
    with server.client() as client:
        rights = "+@stream +@hash +eval +time +info +type +scan +del +ping +select +client +hello"
        client.execute_command("ACL", "SETUSER", "sotto", "on", ">word", f"~{prefix}:*", *rights.split())
        client.execute_command("ACL", "SETUSER", "guest", "on", ">word", f"~{prefix}:*", "+info", "+type", "+ping")
    transport = RedisTransport(server.url.replace("unix://", "unix://sotto:word@"), "here", prefix=prefix)
    await transport.open()
    await transport.presence.announce(node("here"))
    sending = asyncio.create_task(transport.keep_sending())
    transport.send(Parcel(b"{}", to=("here",)))
    async with asyncio.timeout(60):
        async for parcels, _ in transport.receive():
            if parcels:
                break
    await transport.presence.sweep()
    sending.cancel()
    await transport.leave(for_good=True)
    await transport.close()
    told = await refused(server.url.replace("unix://", "unix://guest:word@"), prefix)
    assert "forbids what the bus needs" in told
    assert "word" not in told


async def test_tls_needs_the_certificate_of_its_authority(tmp_path) -> None:
    """With it the bus is open, without it the words say which option is missing."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redis"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    port = free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", key.with_name("certificate.pem"), "--tls-key-file", key)
    with redis_server(*map(str, tls), "--tls-auth-clients", "no"):
        transport = RedisTransport(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}", "here")
        await transport.open()
        await transport.close()
        assert "do not agree on TLS" in await refused(f"rediss://127.0.0.1:{port}")


async def test_sentinels_say_where_the_master_is(tmp_path) -> None:
    """By the name that they know it by."""
    port, watched = free_port(), free_port()
    with redis_server("--port", str(watched), "--bind", "127.0.0.1"):
        conf = tmp_path / "sentinel.conf"
        conf.write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor house 127.0.0.1 {watched} 1\n")
        with sentinel(conf, port):
            transport = RedisTransport(f"sentinel://127.0.0.1:{port}/house", "here")
            await transport.open()
            nodes = await transport.presence.announce(node("here"))
            await transport.close()
            assert set(nodes) == {"here"}
            assert "cannot be reached" in await refused(f"sentinel://127.0.0.1:{port}/other")


async def test_what_is_not_ours_in_our_log_is_left_out(server: RedisServer, prefix: str) -> None:
    """Another program's entries under our key cost nothing but a warning."""
    transport = RedisTransport(server.url, "here", prefix=prefix)
    await transport.open()
    with server.client() as client:
        client.xadd(f"{prefix}:to:here", {"theirs": "1"})
        client.xadd(f"{prefix}:to:here", {"o": "there", "e": "{}"})
    async with asyncio.timeout(60):
        async for parcels, _ in transport.receive():
            if parcels:
                break
    await transport.close()
    assert [(parcel.origin, parcel.header) for parcel in parcels] == [("there", b"{}")]


async def test_a_line_that_breaks_while_old_logs_are_swept_is_told_as_that(server: RedisServer, prefix: str) -> None:
    """It costs the link nothing: Redis may be away at any time."""
    async with Proxy(server.socket) as proxy:
        transport = RedisTransport(f"redis://{proxy.address}", "here", prefix=prefix)
        await transport.open()
        sweeping = asyncio.create_task(transport.presence.sweep())
        proxy.stall()
        while not sweeping.done():
            await asyncio.sleep(0.01)
            proxy.cut()
        with pytest.raises(BusUnreachable, match="went away"):
            await sweeping
        await transport.close()
