"""What nothing is sent to: the server's own network by any spelling, and what a name leads to by the second look."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.webhooks.addresses import Refused, check_url, is_permitted, permitted
from api.webhooks.posting import Poster
from api.webhooks.rules import WebhookRules
from tests.api.receiving import Receiver

STRICT = WebhookRules("the secret")
LOOPBACK = WebhookRules("the secret", plain=True, networks=(ip_network("127.0.0.0/8"),), seconds=10)
OWN = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%1", "fc00::1",
    "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
REFUSED = [
    "http://bank.example/hook", "ftp://bank.example/", "file:///etc/passwd", "//bank.example/", "bank.example", "", "https://",
    "https:///hook", "https://user@bank.example/", "https://user:pass@bank.example/", "https://bank.example/#top",
    "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3:8443/hook", "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:127.0.0.1]/", "https://bank.example/a b", "https://bank.example/\n", "https://b\u00e4nk.example/",
    "https://bank.example:99999/", "https://bank.example/" + "x" * 2_000, "javascript:alert(1)", "https://0177.0.0.1/",
]  # fmt: skip
TAKEN = ["https://bank.example", "https://bank.example:8443/hook?a=1&b=%20", "https://1.1.1.1/", "https://[2606:4700:4700::1111]/"]  # fmt: skip


@pytest.mark.parametrize("address", OWN)
def test_what_is_not_public_is_refused(address):
    assert not is_permitted(ip_address(address), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_permitted(address):
    assert is_permitted(ip_address(address), ())


def test_a_network_that_is_named_is_permitted_and_no_other():
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))

    permitted_ones = ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "1.1.1.1")
    assert all(is_permitted(ip_address(address), networks) for address in permitted_ones)
    assert not any(is_permitted(ip_address(address), networks) for address in ("10.2.0.1", "127.0.0.1", "fe80::1"))


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_would_never_do_is_refused_at_once(url):
    with pytest.raises(Refused):
        check_url(url, STRICT)


@pytest.mark.parametrize("url", TAKEN)
def test_an_address_that_may_do_is_taken(url):
    check_url(url, STRICT)


def test_plain_http_is_for_development():
    check_url("http://bank.example/", LOOPBACK)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "0"])
async def test_a_name_or_number_that_leads_inside_is_refused(host):
    with pytest.raises(Refused):
        await permitted(httpx.URL(f"https://{host}/"), ())


async def test_nothing_is_sent_where_the_name_leads_inside():
    async with Receiver().open() as receiver, Poster(WebhookRules("the secret", plain=True)) as poster:
        answer = await poster.post(f"http://localhost:{receiver.port}/", b"{}", {})

    assert (answer.status, answer.error) == (None, "the name leads to addresses that nothing is sent to")
    assert receiver.got == []


def leading(monkeypatch, *answers):
    """Answer the look-ups of ``bank.example`` with one list of addresses after another, and count them."""
    asked, real = [], socket.getaddrinfo

    def look_up(host, port, *rest, **options):
        if host != "bank.example":
            return real(host, port, *rest, **options)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_a_name_is_looked_up_once_and_what_was_looked_at_is_connected_to(monkeypatch):
    rules = WebhookRules("the secret", plain=True, networks=(ip_network("127.0.0.2/32"),), seconds=10)
    asked = leading(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    async with Receiver().open() as receiver, Poster(rules) as poster:
        first = await poster.post(f"http://bank.example:{receiver.port}/", b"{}", {})
        second = await poster.post(f"http://bank.example:{receiver.port}/", b"{}", {})

    assert first.error.startswith("ConnectError")  # nobody listens at the address that was permitted
    assert second.error == "the name leads to addresses that nothing is sent to"
    assert (asked, receiver.got) == (["bank.example"] * 2, [])


async def test_of_several_addresses_the_permitted_are_tried_in_turn(monkeypatch):
    leading(monkeypatch, ["10.0.0.1", "127.0.0.2", "127.0.0.1"])
    async with Receiver().open() as receiver, Poster(LOOPBACK) as poster:
        answer = await poster.post(f"http://bank.example:{receiver.port}/", b"{}", {})

    assert (answer.status, answer.error) == (204, None)
    assert [got.headers["host"] for got in receiver.got] == [f"bank.example:{receiver.port}"]


@pytest.mark.parametrize("name", ["nowhere.invalid", "x" * 64 + ".example", "a..b"])
async def test_a_name_that_is_none_is_an_error(name):
    async with Poster(LOOPBACK) as poster:
        answer = await poster.post(f"https://{name}/", b"{}", {})

    assert answer.status is None
    assert answer.error


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """Trust an issuer of one's own; return a function: a server's TLS for a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the tests")])

    def signed(subject, name, own, **basic):
        now = datetime.now(UTC)
        built = x509.CertificateBuilder(issuer, subject, own.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))  # fmt: skip
        return (
            built.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(**basic), critical=True)
            .sign(key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    (tmp_path / "issuer.pem").write_bytes(signed(issuer, "issuer.example", key, ca=True, path_length=0))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "issuer.pem"))

    def serve(name):
        own = ec.generate_private_key(ec.SECP256R1())
        pem = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())  # fmt: skip
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        (tmp_path / "server.pem").write_bytes(pem + signed(subject, name, own, ca=False, path_length=None))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.pem")
        return context

    return serve


@pytest.mark.parametrize(("certificate", "status"), [("bank.example", 204), ("other.example", None)])
async def test_the_certificate_is_that_of_the_name(monkeypatch, certified, certificate, status):
    leading(monkeypatch, ["127.0.0.1"])
    async with Receiver(certified(certificate)).open() as receiver, Poster(LOOPBACK) as poster:
        answer = await poster.post(f"https://bank.example:{receiver.port}/hook", b"{}", {})

    assert answer.status == status
    assert len(receiver.got) == (status is not None)
    assert status is not None or "certificate" in answer.error.lower()


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Receiver().open() as receiver, Poster(LOOPBACK) as poster:
        assert (await poster.post(receiver.url, b"{}", {})).status == 204


async def test_connections_are_not_kept(monkeypatch):
    leading(monkeypatch, ["127.0.0.1"])
    async with Receiver().open() as receiver, Poster(LOOPBACK) as poster:
        for _ in range(3):
            await poster.post(receiver.url, b"{}", {})
        assert {got.headers["connection"] for got in receiver.got} == {"close"}
        assert poster._client._transport._pool.connections == []
