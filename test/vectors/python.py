"""Makes the vectors of PyJWT: python3 test/vectors/python.py

Debian 12 packages: python3-jwt 2.6.0-1+deb12u1, python3-cryptography 38.0.4-3+deb12u1.
"""
import datetime
import json
import os

import jwt
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "keys.json")) as file:
    ed, ec = json.load(file)["keys"]
secret = "a secret of the test vectors, made for nothing else"
claims = {"user_id": "vector", "exp": 4102444800, "iat": 1770381296, "type": "access", "iss": "session-buddy"}
utc = datetime.timezone.utc
dated = {
    **claims,
    "exp": datetime.datetime(2100, 1, 1, tzinfo=utc),
    "iat": datetime.datetime(2026, 2, 6, 12, 34, 56, tzinfo=utc),
}
print("HS256", jwt.encode(claims, secret, algorithm="HS256"))
print("HS256", jwt.encode(dated, secret, algorithm="HS256"))
for name, jwk, kind in (("EdDSA", ed, OKPAlgorithm), ("ES256", ec, ECAlgorithm)):
    key = kind.from_jwk(json.dumps(jwk))
    print(name, jwt.encode(claims, key, algorithm=name))
    print(name, jwt.encode(claims, key, algorithm=name, headers={"kid": jwk["kid"]}))
