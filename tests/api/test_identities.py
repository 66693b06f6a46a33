"""Tokens of CI systems: what a signature, the claims and the configuration must say before anybody may do anything."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from runner.api import issuers
from runner.api.identities import Identities
from runner.api.issuers import OLD, PAUSE, TOO_OLD, Keys, NoKeys
from runner.api.problems import Problem
from runner.model.claims import matches
from runner.model.configuration import Configuration, Identity
from runner.store.tokens import Token
from testing.receivers import Receiver, Reply, receiving
from testing.served import GOOD, UNFIT, Served, problem, serving

ISSUER, AUDIENCE = "https://ci.example", "seatrial"
RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SIGNERS: dict[str, tuple[Any, str, Any]] = {
    "rsa": (RSA, "RS256", RSAAlgorithm),
    "ec": (EC, "ES256", ECAlgorithm),
    "ed": (ED, "EdDSA", OKPAlgorithm),
}


def jwk(name: str, key: Any, kind: Any, **more: Any) -> dict[str, Any]:
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": name, "use": "sig", **more}


def key_set(*keys: dict[str, Any]) -> bytes:
    listed = keys or tuple(jwk(name, key, kind) for name, (key, _, kind) in SIGNERS.items())
    return json.dumps({"keys": listed}).encode()


def an_identity(**keys: Any) -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks_file": "/nowhere.json",
        "claims": {"repository": "acme/app", "ref": "refs/heads/*"},
        "name": "{repository}@{ref}",
        "scopes": ["submit", "read"],
        **keys,
    }


def a_token(
    signer: str = "rsa", *, without: tuple[str, ...] = (), head: dict[str, Any] | None = None, key: Any = None, **claims: Any
) -> str:
    now = time.time()
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "x",
        "iat": now,
        "exp": now + 300,
        "repository": "acme/app",
        "ref": "refs/heads/main",
        **claims,
    }
    own, algorithm, _ = SIGNERS[signer]
    return jwt.encode({name: said[name] for name in said if name not in without}, key or own, algorithm, {"kid": signer, **(head or {})})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "keys.json"
    made.write_bytes(key_set())
    return made


def known(file: Path, *identities: dict[str, Any]) -> Identities:
    given = identities or (an_identity(),)
    made = [{**each, "jwks_file": str(file)} for each in given]
    return Identities(Configuration.model_validate({"seatrial-server": 1, "identities": made}))


def refusal(identities: Identities, bearer: str) -> tuple[int, str, str]:
    with pytest.raises(Problem) as caught:
        identities.token(bearer)
    return caught.value.status, caught.value.code, caught.value.detail


# ── what is taken ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_token_that_fits_stands_for_whom_it_names_with_the_scopes_of_the_configuration(file: Path, signer: str) -> None:
    found = known(file).token(a_token(signer))
    assert found is not None
    assert (found.name, found.scopes, found.targets) == ("acme/app@refs/heads/main", ("submit", "read"), ())


def test_the_next_token_of_the_same_job_is_the_same_asker_and_another_branch_is_another(file: Path) -> None:
    identities = known(file)
    first, again, other = (identities.token(a_token(**claims)) for claims in ({}, {"jti": "2"}, {"ref": "refs/heads/b"}))
    assert isinstance(first, Token)
    assert isinstance(again, Token)
    assert isinstance(other, Token)
    assert first.id == again.id != other.id


def test_an_audience_may_be_one_of_several_and_the_identity_is_the_one_that_fits(file: Path) -> None:
    identities = known(file, an_identity(claims={"repository": "acme/other"}), an_identity(scopes=["read"], name="ci"))
    found = identities.token(a_token(aud=["elsewhere", AUDIENCE]))
    assert found is not None
    assert (found.name, found.scopes) == ("ci", ("read",))


@pytest.mark.parametrize("bearer", ["", "seatrial_0123_abc", "a.b.c", "x" * 9000, "not.a.token!"])
def test_what_is_no_such_token_is_left_to_others(file: Path, bearer: str) -> None:
    assert known(file).token(bearer) is None


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def with_secret() -> str:
    """Signed with what everybody can have: the public key taken for a shared secret, as no library would do it."""
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = urlsafe_b64encode(b'{"alg": "HS256", "kid": "rsa"}').decode().rstrip("=")
    signed = f"{head}.{a_token().split('.')[1]}"
    return f"{signed}.{urlsafe_b64encode(hmac.digest(public, signed.encode(), 'sha256')).decode().rstrip('=')}"


REFUSED = {
    "another issuer": (lambda: a_token(iss="https://evil.example"), "token-unknown"),
    "an issuer that only begins so": (lambda: a_token(iss=f"{ISSUER}.evil.example"), "token-unknown"),
    "another audience": (lambda: a_token(aud="elsewhere"), "token-unfit"),
    "an audience that only holds it": (lambda: a_token(aud=f"{AUDIENCE}x"), "token-unfit"),
    "no audience": (lambda: a_token(without=("aud",)), "token-unfit"),
    "no end": (lambda: a_token(without=("exp",)), "token-unfit"),
    "expired": (lambda: a_token(exp=time.time() - 60), "token-expired"),
    "not yet": (lambda: a_token(nbf=time.time() + 120), "token-unfit"),
    "for years": (lambda: a_token(exp=time.time() + 10**9), "token-unfit"),
    "an end that is no number": (lambda: a_token(exp=[1]), "token-unknown"),
    "an end beyond all numbers": (lambda: a_token(exp=float("inf")), "token-unknown"),
    "another repository": (lambda: a_token(repository="acme/app2"), "token-unfit"),
    "a repository before it": (lambda: a_token(repository="evil/acme/app"), "token-unfit"),
    "a tag": (lambda: a_token(ref="refs/tags/v1"), "token-unfit"),
    "a branch with a slash": (lambda: a_token(ref="refs/heads/a/b"), "token-unfit"),
    "a line after it": (lambda: a_token(repository="acme/app\n"), "token-unfit"),
    "no claim": (lambda: a_token(without=("ref",)), "token-unfit"),
    "a claim that is an object": (lambda: a_token(ref={"refs/heads/main": 1}), "token-unfit"),
    "somebody else's key": (lambda: a_token(key=rsa.generate_private_key(65537, 2048)), "token-unknown"),
    "a key nobody knows": (lambda: a_token(head={"kid": "other"}), "token-unknown"),
    "another key's name": (lambda: a_token(head={"kid": "ec"}), "token-unknown"),
    "a name that is no text": (lambda: a_token(head={"kid": "x" * 300}), "token-unknown"),
    "the public key as a secret": (with_secret, "token-unknown"),
    "no signature": (
        lambda: jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 9}, None, "none") + "A" * 20,
        "token-unknown",
    ),
    "a changed claim": (lambda: changed(a_token()), "token-unknown"),
}


def changed(token: str) -> str:
    head, _, signature = token.split(".")
    other = a_token(repository="acme/app", ref="refs/heads/prod").split(".")[1]
    return f"{head}.{other}.{signature}"


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_token_that_does_not_fit_is_refused(file: Path, case: str) -> None:
    make, code = REFUSED[case]
    assert refusal(known(file), make())[:2] == (401, code)


def test_a_name_with_control_characters_is_none(file: Path) -> None:
    identities = known(file, an_identity(claims={"repository": "acme/app"}, name="{actor}"))
    assert refusal(identities, a_token(actor="\x1b[2Janne"))[1] == "token-unfit"
    assert refusal(identities, a_token(actor="a\u202eb"))[1] == "token-unfit"
    assert refusal(identities, a_token(actor=""))[1] == "token-unfit"
    assert refusal(identities, a_token())[1] == "token-unfit"


def test_a_claim_in_a_name_is_text_and_never_a_template(file: Path) -> None:
    found = known(file, an_identity(claims={"repository": "acme/app"}, name="{actor}")).token(a_token(actor="{ref}{0.__class__}"))
    assert found is not None
    assert found.name == "{ref}{0.__class__}"


@pytest.mark.parametrize(
    "keys",
    [
        (jwk("rsa", WEAK, RSAAlgorithm),),
        ({**jwk("rsa", RSA, RSAAlgorithm), "use": "enc"},),
        ({**jwk("rsa", RSA, RSAAlgorithm), "alg": "RS512"},),
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"},),
        (json.loads(RSAAlgorithm.to_jwk(RSA)) | {"kid": "rsa"},),
        ({"kty": "RSA", "kid": "rsa", "n": "!", "e": "AQAB"},),
        (17,),
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_keys_that_are_weak_or_odd_or_for_something_else_check_nothing(file: Path, keys: Any) -> None:
    file.write_bytes(key_set(*keys))
    assert refusal(known(file), a_token(key=WEAK if keys[0] == jwk("rsa", WEAK, RSAAlgorithm) else None))[:2] == (401, "token-unknown")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"keys": 1}', b"{" * 100_000, b'{"keys": [' + b"1," * 60 + b"1]}", b" " * 2**21])
def test_keys_that_cannot_be_read_are_a_fault_of_the_machine(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert refusal(known(file), a_token())[:2] == (503, "issuer-unavailable")


# ── what a configuration may say ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        {"claims": {}},
        {"claims": {"repository": "*", "ref": "**"}},
        {"jwks_url": "https://ci.example/keys"},
        {"jwks_file": ""},
        {"jwks_file": "", "jwks_url": "http://ci.example/keys"},
        {"targets": ["nowhere"]},
        {"scopes": []},
    ],
)
def test_a_configuration_that_would_let_anybody_in_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Configuration.model_validate({"seatrial-server": 1, "identities": [an_identity(**wrong)]})


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("acme/app", "acme/app", True),
        ("acme/app", "acme/app/x", False),
        ("acme/*", "acme/app", True),
        ("acme/*", "acme/a/b", False),
        ("acme/**", "acme/a/b", True),
        ("acme/*", "xacme/app", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a*b*c", "axxbyyc", True),
        ("a*b*c", "axxbyycz", False),
        ("main", "main\n", False),
        ("**", "x" * 1001, False),
    ],
)
def test_a_pattern_means_a_whole_value(pattern: str, value: str, fits: bool) -> None:
    assert matches(pattern, value) is fits


def test_a_hostile_value_takes_no_time() -> None:
    began = time.monotonic()
    assert not matches("*a" * 140 + "b", "a" * 1000)
    assert time.monotonic() - began < 2


# ── where keys come from ─────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Receiver]:
    with receiving(lambda _: Reply(200, key_set())) as made:
        yield made


def keys_of(issuer: Receiver, clock: Clock) -> Keys:
    return Keys(Identity.model_validate(an_identity(jwks_file="", jwks_url=f"{issuer.url}/keys")), clock)


def test_keys_are_asked_for_once_and_for_unknown_ones_at_most_once_a_minute(issuer: Receiver) -> None:
    clock = Clock()
    keys = keys_of(issuer, clock)
    assert [keys.find(name) is not None for name in ("rsa", "ec", "rsa")] == [True, True, True]
    assert len(issuer.got) == 1
    assert [keys.find(f"other{number}") for number in range(50)] == [None] * 50
    assert len(issuer.got) == 1
    issuer.answer = lambda _: Reply(200, key_set(jwk("new", RSA, RSAAlgorithm)))
    clock.now += PAUSE + 1
    assert keys.find("new") is not None
    assert keys.find("rsa") is None
    assert len(issuer.got) == 2


def test_keys_that_cannot_be_had_again_are_good_for_a_day(issuer: Receiver) -> None:
    clock = Clock()
    keys = keys_of(issuer, clock)
    keys.find("rsa")
    issuer.answer = lambda _: Reply(500)
    clock.now += OLD + 1
    assert keys.find("rsa") is not None
    assert len(issuer.got) == 2
    clock.now += TOO_OLD
    with pytest.raises(NoKeys):
        keys.find("rsa")


@pytest.mark.parametrize(
    "reply",
    [Reply(404, key_set()), Reply(302, headers=(("Location", "/other"),)), Reply(200, b"{}"), Reply(200, b" " * (issuers.MOST_BODY + 10))],
)
def test_what_an_issuer_answers_instead_of_keys_is_none(issuer: Receiver, reply: Reply) -> None:
    issuer.answer = lambda got: reply if got.path == "/keys" else Reply(200, key_set())
    with pytest.raises(NoKeys):
        keys_of(issuer, Clock()).find("rsa")


def test_a_key_without_a_name_is_found_where_it_is_the_only_one(file: Path) -> None:
    only = jwk("", RSA, RSAAlgorithm)
    del only["kid"]
    file.write_bytes(key_set(only))
    bearer = jwt.encode(jwt.decode(a_token(), options={"verify_signature": False}), RSA, "RS256")
    assert known(file).token(bearer) is not None
    file.write_bytes(key_set())
    assert refusal(known(file), bearer)[1] == "token-unknown"


# ── by HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with receiving(lambda _: Reply(200, key_set())) as issuer:
        identity = an_identity(jwks_file="", jwks_url=f"{issuer.url}/keys", targets=["app-main"])
        with serving(tmp_path_factory.mktemp("served"), identities=[identity]) as made:
            yield made


def test_a_ci_job_submits_under_its_own_name_and_may_ask_twice_with_a_fresh_token(served: Served) -> None:
    asked = {"command": "check", "repo": "app", "patch": UNFIT}
    first = served.ask("POST", "/api/v1/runs", asked, token=a_token("ed"), key="job 17")
    again = served.ask("POST", "/api/v1/runs", asked, token=a_token("ed", jti="another"), key="job 17")
    assert (first.status_code, again.json()) == (202, first.json()), first.text
    run = first.json()["run"]
    assert served.over(run)["ending"] == "rejected"
    [queued] = [one for one in served.get(f"/api/v1/audit?subject={run}")["entries"] if one["kind"] == "run.queued"]
    assert queued["body"]["author"] == "acme/app@refs/heads/main"


def test_it_may_do_what_its_identity_says_and_nothing_else(served: Served) -> None:
    token = a_token()
    assert problem(served.ask("POST", "/api/v1/runs/abc/approve", {"reason": "fine"}, token=token)) == (403, "scope-missing")
    assert problem(served.ask("GET", "/api/v1/webhooks", token=token)) == (403, "scope-missing")
    other = {"target": "elsewhere", "patch": GOOD}
    assert problem(served.ask("POST", "/api/v1/runs", other, token=token)) == (403, "target-not-allowed")


@pytest.mark.parametrize("case", ["another audience", "expired", "somebody else's key", "the public key as a secret"])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_server_says_no_and_why_and_no_more(served: Served, case: str) -> None:
    make, code = REFUSED[case]
    answer = served.ask("GET", "/api/v1/runs", token=make())
    assert problem(answer) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")
