"""Java reads no limits in a root's certificate: a stolen key has to be worth nothing there, too."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rpx.certificates.authority import Authority, open_authority
from rpx.certificates.leaves import Leaves, certify
from rpx.certificates.making import in_pem
from tests.certificates.support import https_server, needs, tool

# Arguments: a root in PEM, then ports, each with the name that is asked for.
CLIENT = """
import java.io.*;
import java.net.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Client {
    public static void main(String[] words) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        FileInputStream root = new FileInputStream(words[0]);
        store.setCertificateEntry("rpx", factory.generateCertificate(root));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        for (int i = 1; i < words.length; i += 2) {
            Socket plain = new Socket("127.0.0.1", Integer.parseInt(words[i]));
            SSLSocketFactory sockets = context.getSocketFactory();
            SSLSocket socket = (SSLSocket) sockets.createSocket(plain, words[i + 1], 443, true);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            try {
                socket.startHandshake();
                System.out.println("accepted");
            } catch (SSLException error) {
                System.out.println(error.getMessage());
            }
            socket.close();
        }
    }
}
"""


def forged(authority: Authority, path: Path, *names: str) -> Path:
    """What a thief of the key could sign."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = certify(authority, key, names, dt.datetime.now(dt.UTC))
    pem = made.public_bytes(serialization.Encoding.PEM) + authority.between
    path.write_bytes(pem + in_pem(key))
    return path


def java(authority: Authority, folder: Path, **leaves: Path) -> list[str]:
    """What Java says of servers with these certificates, each asked by its name."""
    source = folder / "Client.java"
    source.write_text(CLIENT)
    words: list[str] = []
    one, two = leaves.items()
    with https_server(one[1]) as first, https_server(two[1]) as second:
        for port, (name, _) in ((first, one), (second, two)):
            words += [str(port), name.replace("_", ".")]
        return tool("java", "-XX:+UseSerialGC", str(source), str(authority.path), *words).split(
            "\n"
        )


@pytest.mark.programs
@needs("javac")
def test_java_accepts_what_may_be_certified_and_nothing_that_a_thief_signs(tmp_path: Path) -> None:
    authority = open_authority(tmp_path / "authority")
    leaf = Leaves(authority).get("api.localhost").path
    bad = forged(authority, tmp_path / "forged.pem", "example.com")
    said = java(authority, tmp_path, api_localhost=leaf, example_com=bad)
    assert said[0] == "accepted"
    assert "name constraints" in said[1]
