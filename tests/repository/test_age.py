"""Recipients and identities: what is taken, and the sentence for what is not."""

import sys

import pytest

from backups.exceptions import CannotOpen, ConfigurationError, ObjectDamaged
from backups.repository import age
from tests.identities import age_identity, protected_identity, ssh_identity


@pytest.fixture(autouse=True)
def _nobody_to_ask(monkeypatch):
    monkeypatch.setattr(age, "_ask", None)
    monkeypatch.delenv(age.PASSPHRASE, raising=False)


def use(settings, identity, recipients=()):
    settings.BACKUPS = {"IDENTITY_FILE": identity.path, "RECIPIENTS": list(recipients)}


@pytest.mark.parametrize("make", [age_identity, ssh_identity, lambda folder: ssh_identity(folder, "rsa")])
def test_what_is_wrapped_to_a_recipient_its_identity_opens(settings, tmp_path, make):
    identity = make(tmp_path)
    use(settings, identity, [identity.public, age_identity(tmp_path, "other").public])
    wrapped = age.wrap(b"a key", age.configured_recipients())
    assert wrapped.startswith(b"age-encryption.org/v1\n") and b"a key" not in wrapped
    assert age.unwrap("keys/x/0", wrapped, age.identities()) == b"a key"


def test_one_file_may_hold_several_identities(settings, tmp_path):
    first, second = age_identity(tmp_path, "first"), age_identity(tmp_path, "second")
    first.path.write_text(first.path.read_text() + "\n" + second.path.read_text())
    use(settings, first)
    assert age.unwrap("keys/x/0", age.wrap(b"k", [second.public]), age.identities()) == b"k"


def test_a_recipient_counts_once_and_its_comment_does_not(settings, tmp_path):
    key = ssh_identity(tmp_path)
    settings.BACKUPS = {"RECIPIENTS": [key.public, key.public.rpartition(" ")[0]]}
    assert age.configured_recipients() == (key.public.rpartition(" ")[0],)


def test_nobody_is_no_recipient(settings):
    settings.BACKUPS = {}
    assert age.configured_recipients() == ()


@pytest.mark.parametrize("text", ["", "age1qqq", "ada@example.org", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M="])
def test_a_wrong_recipient_is_named(settings, tmp_path, text):
    settings.BACKUPS = {"RECIPIENTS": [age_identity(tmp_path).public, text]}
    with pytest.raises(ConfigurationError, match=r"RECIPIENTS'\]\[1\] is no public key") as error:
        age.configured_recipients()
    assert "Nothing was stored" in error.value.hint


def test_a_secret_key_among_the_recipients_is_not_shown(settings, tmp_path):
    secret = age_identity(tmp_path).path.read_text().split()[-1]
    settings.BACKUPS = {"RECIPIENTS": [secret]}
    with pytest.raises(ConfigurationError, match="is a secret key") as error:
        age.configured_recipients()
    assert secret not in str(error.value) + error.value.hint


@pytest.mark.parametrize("missing", ["pyrage", "cryptography"])
def test_without_the_extra_there_is_a_sentence(settings, tmp_path, monkeypatch, missing):
    settings.BACKUPS = {"RECIPIENTS": [age_identity(tmp_path).public]}
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError, match="Encryption needs what is not installed") as error:
        age.configured_recipients()
    assert error.value.hint == 'pip install "django-lifeboat[encryption]"'


def test_without_an_identity_there_is_a_sentence(settings):
    settings.BACKUPS = {}
    with pytest.raises(CannotOpen, match="names no identity"):
        age.identities()


def test_an_identity_for_which_it_is_not_is_told_from_damage(settings, tmp_path):
    mine = age_identity(tmp_path)
    use(settings, mine)
    with pytest.raises(CannotOpen, match="keys/x/0 is wrapped for other recipients") as error:
        age.unwrap("keys/x/0", age.wrap(b"k", [age_identity(tmp_path, "other").public]), age.identities())
    assert str(mine.path) in str(error.value)
    wrapped = age.wrap(b"k", [mine.public])
    for spoilt in (wrapped[:-1], wrapped[:40], b"", b"nonsense", wrapped[:-1] + bytes([wrapped[-1] ^ 1])):
        with pytest.raises(ObjectDamaged, match="keys/x/0 is damaged: age cannot open it"):
            age.unwrap("keys/x/0", spoilt, age.identities())


@pytest.mark.parametrize("text", ["", "# nothing\n", "age1qqq\n", "AGE-SECRET-KEY-1QQ\n", "hello"])
def test_a_file_without_an_identity_is_named(settings, tmp_path, text):
    (tmp_path / "identity.txt").write_text(text)
    settings.BACKUPS = {"IDENTITY_FILE": tmp_path / "identity.txt"}
    with pytest.raises(ConfigurationError, match="holds no usable identity") as error:
        age.identities()
    assert "identity.txt" in str(error.value) and "age-keygen" in error.value.hint


def test_a_file_that_is_not_there_is_named(settings, tmp_path):
    settings.BACKUPS = {"IDENTITY_FILE": tmp_path / "nowhere.txt"}
    with pytest.raises(ConfigurationError, match=r"cannot be read: .*nowhere.txt: No such file"):
        age.identities()


@pytest.mark.parametrize("armored", [False, True])
def test_a_passphrase_comes_from_the_environment_or_is_asked_for_once(settings, tmp_path, monkeypatch, armored):
    identity = protected_identity(tmp_path, "open sesame", armored=armored)
    use(settings, identity)
    with pytest.raises(ConfigurationError, match="no terminal to ask") as error:
        age.identities()
    assert age.PASSPHRASE in error.value.hint
    monkeypatch.setenv(age.PASSPHRASE, "wrong")
    with pytest.raises(ConfigurationError, match="The passphrase does not open the identity file") as error:
        age.identities()
    assert "wrong" not in str(error.value)
    monkeypatch.delenv(age.PASSPHRASE)
    asked = []
    age.may_ask(lambda prompt: asked.append(prompt) or "open sesame")
    for _ in range(3):
        assert age.unwrap("keys/x/0", age.wrap(b"k", [identity.public]), age.identities()) == b"k"
    assert asked == [f"Passphrase of {identity.path}: "]


def test_an_ssh_key_with_a_passphrase_is_told_what_to_do(settings, tmp_path):
    # ssh-keygen -t ed25519 -N pw
    (tmp_path / "id_ed25519").write_text(PROTECTED)
    settings.BACKUPS = {"IDENTITY_FILE": tmp_path / "id_ed25519"}
    with pytest.raises(ConfigurationError, match="an SSH key with a passphrase is not supported") as error:
        age.identities()
    assert "ssh-keygen -p" in error.value.hint


PROTECTED = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDjRV/+wB
QkML5PtC5Pd8hOAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIGHoiof1BExNxdz7
rQWDBBJogcUxn5R9qB6hRppfFRdIAAAAkNV2h73f9i/DvikCsp8ew1EoR9w1dLuYfwslWe
kiv3L3jVpedCldpKRWVFmstPj5WSeb+vnRj/7Kz31/4EQWkiELafaqM2sLtE90sSamG4ga
daZhqxVQPbK4/f0oYptmjGcWduJnzF38lKU0zE9GnAClFptE7yAkmUhoStd6MpE/vcW2NB
mVJlQ7QqKVbybQxw==
-----END OPENSSH PRIVATE KEY-----
"""
