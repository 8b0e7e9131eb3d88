#: connect -> raised PermissionError
import socket
def f(x):
    return socket.create_connection(("192.0.2.1", 80), timeout=1)

#: raw_socket_in_c -> raised PermissionError
import _socket
def f(x):
    return _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)

#: datagram_in_c -> raised PermissionError
import _socket
def f(x):
    _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM).sendto(b"x", ("::1", 53))

#: socket_from_descriptor -> raised OSError
import _socket
def f(x):
    return _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, 1).send(b"x")

#: every_descriptor_a_socket -> value []
import _socket
def f(x):
    found = []
    for descriptor in range(64):
        try:
            _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, descriptor).getpeername()
            found.append(descriptor)
        except OSError:
            pass
    return found

#: resolve -> raised PermissionError
import socket
def f(x):
    return socket.getaddrinfo("example.com", 80)

#: resolve_in_c -> raised PermissionError
import _socket
def f(x):
    return _socket.getaddrinfo(b"example.com", 80)

#: lookup_tells_a_name_server -> raised PermissionError
import _socket
def f(x):
    return _socket.gethostbyname(b"secret.example.com")

#: host_name_in_c -> value '(none)'
import _socket
def f(x):
    return _socket.gethostname()

#: url -> missing_module urllib.request
import urllib.request
def f(x):
    return urllib.request.urlopen("http://192.0.2.1/").read()

#: http_client -> missing_module http
import http.client
def f(x):
    return http.client.HTTPConnection("192.0.2.1").connect()

#: third_party_client -> missing_module requests
def f(x):
    try:
        return open("x")
    except PermissionError:
        import requests
        return requests.get("http://192.0.2.1/")

#: mail -> missing_module smtplib
import smtplib
def f(x):
    return smtplib.SMTP("192.0.2.1")

#: tls -> missing_module ssl
import ssl
def f(x):
    return ssl.create_default_context()

#: event_loop_connects -> raised PermissionError
import asyncio
def f(x):
    async def connect():
        return await asyncio.open_connection("192.0.2.1", 80)
    return asyncio.run(connect())

#: event_loop_serves -> raised OSError
import asyncio
def f(x):
    async def serve():
        return await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    return asyncio.run(serve())

#: event_loop_datagrams -> raised PermissionError
import asyncio
def f(x):
    async def send():
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("192.0.2.1", 53))
    return asyncio.run(send())

#: event_loop_watches_a_descriptor -> value 'nothing'
import asyncio
def f(x):
    async def watch():
        loop = asyncio.get_running_loop()
        found = []
        loop.add_reader(0, found.append, "readable")
        await asyncio.sleep(0.01)
        loop.remove_reader(0)
        return found or "nothing"
    return asyncio.run(watch())

#: pair -> raised PermissionError
import socket
def f(x):
    left, right = socket.socketpair()
    left.send(b"x")
    return right.recv(1)

#: subclassed_socket -> raised PermissionError
import socket
class Quiet(socket.socket):
    def __init__(self):
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
def f(x):
    return Quiet().connect(("192.0.2.1", 80))

#: select_blocks -> timeout
import select
def f(x):
    return select.select([], [], [], 3600)

#: poll_blocks -> timeout
import select
def f(x):
    return select.poll().poll(3_600_000)

#: telemetry_by_xml_entity -> raised ParseError
import xml.etree.ElementTree as tree
def f(x):
    text = '<!DOCTYPE a [<!ENTITY e SYSTEM "http://192.0.2.1/leak">]><a>&e;</a>'
    return tree.fromstring(text).text

#: waits_for_standard_input -> value ([0], [], [])
import select
def f(x):
    return select.select([0], [], [], 3600)
