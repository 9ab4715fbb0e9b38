"""Reads with lback-framework 1.0.3 what lback wrote: by hand, see README.md.

    LBACK_PEER_DATABASE=/tmp/for-the-peer.sqlite3 \
        cargo test -p lback-tests --test sqlite -- --ignored write_for_the_peer
    python tests/peer/read_back.py /tmp/for-the-peer.sqlite3
"""

import logging
import sys
from datetime import datetime

logging.disable(logging.CRITICAL)

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from lback.models.user import User
from lback.repositories.user_repository import UserRepository

failures = 0


def check(what, is_so):
    global failures
    print(f"{'ok  ' if is_so else 'FAIL'} {what}")
    failures += not is_so


with Session(create_engine(f"sqlite:///{sys.argv[1]}")) as session:
    users = UserRepository(session)

    names = sorted(user.username for user in users.list_all())
    check(f"all users are read, and the deleted one is gone: {names}", names == ["ada", "linus", "margaret"])

    margaret = users.get_by_username("margaret")
    check(f"key {margaret.id}, address {margaret.email}", (margaret.id, margaret.email) == (4, "Margaret@Example.com"))
    check("the peer verifies a new bcrypt password", margaret.check_password("möon länding"))
    check("and refuses a wrong one", not margaret.check_password("moon landing"))
    check(
        f"booleans: active {margaret.is_active!r}, verified {margaret.is_email_verified!r}",
        (margaret.is_active, margaret.is_email_verified) == (True, False),
    )
    check(f"token {margaret.auth_token}", margaret.auth_token == "tok-margaret-456")
    check(
        f"its expiry {margaret.token_expiry!r}",
        margaret.token_expiry == datetime(2100, 1, 1, 12, 30, 15, 123456),
    )
    check("an empty token is None", margaret.email_verification_token is None)
    age = (datetime.utcnow() - margaret.created_at).total_seconds()
    check(f"created_at is UTC: {margaret.created_at!r}", 0 <= age < 3600)
    check("created_at and updated_at agree", margaret.created_at == margaret.updated_at)

    ada = users.get_by_username("ada")
    check("the peer verifies a changed password of 72 bytes", ada.check_password("x" * 72))
    check("and not the old one", not ada.check_password("correct horse battery"))
    check(f"updated_at moved, created_at did not: {ada.created_at!r}, {ada.updated_at!r}", ada.created_at < ada.updated_at)

    linus = users.get_by_username("linus")
    check("who was not touched still logs in", linus.check_password("x" * 72))

    # The peer writes on, in what we wrote.
    users.update(margaret, is_email_verified=True)
    grace = users.create(username="hopper", email="hopper@example.com", password="nanoseconds")
    session.commit()
    check(f"the peer updates and creates, with key {grace.id}", grace.id == 5 and margaret.is_email_verified)

print(f"{failures} failures")
sys.exit(bool(failures))
