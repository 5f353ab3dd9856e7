"""The FTPS counterpart: what its users may rely on, seen with Python's own client."""

import ftplib
import ssl
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest

from .vsftpd import FtpAccount, Vsftpd

pytestmark = pytest.mark.counterpart


class Resuming(ftplib.FTP_TLS):
    """A client whose data connections resume the session of its control connection."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[ssl.SSLSocket, int | None]:
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(plain, server_hostname=self.host, session=self.sock.session), size


@pytest.fixture
def client(ftp_account: FtpAccount) -> Iterator[Callable[[type[ftplib.FTP_TLS]], ftplib.FTP_TLS]]:
    opened: list[ftplib.FTP_TLS] = []

    def log_in(kind: type[ftplib.FTP_TLS]) -> ftplib.FTP_TLS:
        made = kind(context=ssl.create_default_context(cafile=str(ftp_account.ca)), timeout=10)
        opened.append(made)
        made.connect(ftp_account.host, ftp_account.port)
        made.login(ftp_account.user, ftp_account.password)
        made.prot_p()
        made.cwd(ftp_account.folder)
        return made

    yield log_in
    for each in opened:
        each.close()


def test_files_go_and_come_where_the_session_is_resumed(
    ftp_account: FtpAccount, client: Callable[[type[ftplib.FTP_TLS]], ftplib.FTP_TLS]
) -> None:
    ftp = client(Resuming)
    ftp.storbinary("STOR in/order", BytesIO(b"A;1\n"))
    assert (ftp_account.inbox / "order").read_bytes() == b"A;1\n"
    ftp_account.leave("ship.csv", b"shipped\n")
    assert ftp.nlst("out") == ["out/ship.csv"]
    ftp.delete("out/ship.csv")
    assert not list(ftp_account.outbox.iterdir())


def test_it_refuses_data_connections_of_another_session(
    client: Callable[[type[ftplib.FTP_TLS]], ftplib.FTP_TLS],
) -> None:
    ftp = client(ftplib.FTP_TLS)
    with pytest.raises((ftplib.error_perm, ssl.SSLError)) as caught:
        ftp.storbinary("STOR in/order", BytesIO(b"A;1\n"))
    assert isinstance(caught.value, ssl.SSLError) or "session reuse required" in str(caught.value)


def test_it_knows_no_mlsd(client: Callable[[type[ftplib.FTP_TLS]], ftplib.FTP_TLS]) -> None:
    with pytest.raises(ftplib.error_perm, match="500 Unknown command"):
        list(client(Resuming).mlsd("out"))


def test_a_plain_login_is_refused(ftp_account: FtpAccount) -> None:
    with ftplib.FTP(timeout=10) as plain:
        plain.connect(ftp_account.host, ftp_account.port)
        with pytest.raises(ftplib.error_perm, match="530"):
            plain.login(ftp_account.user, ftp_account.password)


def test_stopping_the_server_ends_open_sessions(own_vsftpd: Callable[..., Vsftpd]) -> None:
    server = own_vsftpd(tls=False)
    account = server.account("acme")
    with ftplib.FTP(timeout=10) as plain:
        plain.connect(account.host, account.port)
        plain.login(account.user, account.password)
        server.stop()
        with pytest.raises((EOFError, OSError)):
            plain.pwd()
        plain.close()
