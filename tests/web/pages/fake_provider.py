"""An identity provider in this process, which can be told to lie."""

import threading
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "ledger"
CLIENT_SECRET = "S3cretOfNobody"  # watched: it must not show up anywhere

Claims = dict[str, Any]


@dataclass
class FakeProvider:
    """Answers as a provider does. `sign` writes the ID token, `forged` claims replace its own."""

    signing_key: RSAKey
    url: str = ""
    groups: list[str] | None = field(default_factory=lambda: ["accounting"])
    subject: str = "1234"
    name: str = "Jo Doe"
    forged: Claims = field(default_factory=dict)
    metadata: Claims = field(default_factory=dict)
    userinfo: Claims | None = None
    sign: Callable[["FakeProvider", Claims], str] | None = None
    is_away: bool = False
    waits_for: threading.Event | None = None
    granted: dict[str, dict[str, str]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def grant(self, address: str) -> dict[str, str]:
        """Do what a person does who consents at this address. Shape: the query that leads back."""
        asked_of = {name: texts[0] for name, texts in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.granted)}"
        self.granted[code] = asked_of
        return {"code": code, "state": asked_of["state"]}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: Claims = {"iss": self.url, "aud": CLIENT_ID, "sub": self.subject, "nonce": nonce}
        claims |= {"iat": now, "exp": now + 300, "preferred_username": self.name}
        if self.groups is not None:
            claims["groups"] = self.groups
        claims |= self.forged
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(self, claims) if self.sign else self.signed(claims)

    def signed(self, claims: Claims, signing_key: RSAKey | None = None) -> str:
        by = signing_key or self.signing_key
        return jwt.encode({"alg": "RS256", "kid": by.kid}, claims, by)

    def app(self) -> Flask:
        app = Flask("fake provider")
        app.add_url_rule("/.well-known/openid-configuration", view_func=self.answer_metadata)
        app.add_url_rule("/jwks", view_func=self.answer_keys)
        app.add_url_rule("/token", view_func=self.answer_token, methods=["POST"])
        app.add_url_rule("/me", view_func=self.answer_userinfo)
        app.before_request(self.note_call)
        return app

    def note_call(self) -> ResponseReturnValue | None:
        self.paths.append(request.path)
        if self.waits_for is not None:
            self.waits_for.wait(10)
        return ("away", 502) if self.is_away else None

    def answer_metadata(self) -> ResponseReturnValue:
        paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        if self.userinfo is not None:
            paths["userinfo_endpoint"] = "/me"
        document = {name: self.url + path for name, path in paths.items()}
        return jsonify(document | {"issuer": self.url} | self.metadata)

    def answer_keys(self) -> ResponseReturnValue:
        return jsonify({"keys": [self.signing_key.as_dict(private=False)]})

    def answer_token(self) -> ResponseReturnValue:
        begun = self.granted.pop(request.form["code"], None)
        challenge = create_s256_code_challenge(request.form["code_verifier"])
        basic = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if (
            begun is None
            or begun["code_challenge"] != challenge
            or begun["redirect_uri"] != request.form["redirect_uri"]
            or basic != f"{CLIENT_ID}:{CLIENT_SECRET}"
        ):
            return jsonify({"error": "invalid_grant"}), 400
        token = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60}
        return jsonify(token | {"id_token": self.id_token(begun["nonce"])})

    def answer_userinfo(self) -> ResponseReturnValue:
        assert request.headers["Authorization"] == "Bearer opaque"
        return jsonify(self.userinfo)
