"""The peer: its dispatcher, its UserRepository and its User, with a commit after every call.

The repository itself never commits, so its caller does, as the peer's own views do. The session
is what `DatabaseManager` makes, but for `expire_on_commit=False`: the default would have the peer
read each user again after each commit, which lback does not do either.
"""

import sys
from importlib.metadata import version
from sqlite3 import sqlite_version

from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import sessionmaker

from lback.core.signals import dispatcher
from lback.models.base import BaseModel
from lback.models.user import User
from lback.repositories.user_repository import UserRepository

from protocol import HASH, SETTINGS, addresses, connected, names, serve, timed


class Side:
    def __init__(self, folder):
        self.sessions = {
            "memory": session("sqlite://"),
            "file": session(f"sqlite:///{folder}/lback-framework.sqlite3"),
        }

    def about(self):
        return f"lback-framework {version('lback-framework')}, SQLAlchemy {version('SQLAlchemy')}, SQLite {sqlite_version}"

    def query(self, place, statement):
        answer = self.sessions[place].scalar(text(statement))
        self.sessions[place].commit()
        return answer

    def dispatch(self, receivers, place, count):
        session = self.sessions[place]
        [user] = self.stored(session, 1)
        repository = UserRepository(session)

        def work(count):
            for _ in range(count):
                dispatcher.send("user_post_create", sender=repository, user=user, session=session)

        with listening(receivers, "user_post_create"):
            return timed(work, count)

    def create(self, receivers, place, count):
        session = self.sessions[place]
        self.empty(session)
        users = UserRepository(session)

        def work(names):
            for username, email in names:
                users.create(username=username, email=email, password=HASH)
                session.commit()

        with listening(receivers, "user_pre_create", "user_post_create"):
            return timed(work, names(count))

    def update(self, receivers, place, count):
        session = self.sessions[place]
        stored = self.stored(session, count)
        users = UserRepository(session)

        def work(addresses):
            for user, email in zip(stored, addresses):
                users.update(user, email=email)
                session.commit()

        with listening(receivers, "user_pre_update", "user_post_update"):
            return timed(work, addresses(count))

    def delete(self, receivers, place, count):
        session = self.sessions[place]
        stored = self.stored(session, count)
        users = UserRepository(session)

        def work(stored):
            for user in stored:
                users.delete(user)
                session.commit()

        with listening(receivers, "user_pre_delete", "user_post_delete"):
            return timed(work, stored)

    def stored(self, session, count):
        self.empty(session)
        users = [User(username=username, email=email, password=HASH) for username, email in names(count)]
        session.add_all(users)
        session.commit()
        return users

    def empty(self, session):
        session.expunge_all()
        session.execute(text("DELETE FROM users"))
        session.commit()


def listening(receivers, *signals):
    return connected(receivers, signals, dispatcher.connect, dispatcher.disconnect)


def session(url):
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def settings(connection, _):
        connection.executescript(SETTINGS)

    BaseModel.metadata.create_all(engine)
    return sessionmaker(bind=engine, expire_on_commit=False)()


serve(Side(sys.argv[1]))
