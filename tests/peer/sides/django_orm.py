"""Django: the save and delete signals of a model of the same table, in its default autocommit."""

import sys
from importlib.metadata import version
from pathlib import Path
from sqlite3 import sqlite_version

import django
from django.conf import settings

from protocol import HASH, SETTINGS, addresses, connected, names, serve, timed

folder, tables = sys.argv[1:]


def database(name):
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": {"init_command": SETTINGS}}


settings.configure(
    DATABASES={"default": database(":memory:"), "file": database(f"{folder}/django.sqlite3")},
    USE_TZ=False,
    TIME_ZONE="UTC",
)
django.setup()

from django.db import connections, models
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.utils import timezone


class User(models.Model):
    id = models.AutoField(primary_key=True)
    username = models.CharField(max_length=150, unique=True)
    email = models.CharField(max_length=254, unique=True)
    password = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)
    is_email_verified = models.BooleanField(default=False)
    email_verification_token = models.CharField(max_length=255, null=True, db_index=True)
    email_verification_token_expiry = models.DateTimeField(null=True)
    auth_token = models.CharField(max_length=255, null=True, db_index=True)
    token_expiry = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "peer"
        db_table = "users"
        managed = False


class Side:
    places = {"memory": "default", "file": "file"}

    def __init__(self):
        for name in self.places.values():
            connections[name].ensure_connection()
            connections[name].connection.executescript(Path(tables).read_text())

    def about(self):
        return f"Django {version('Django')}, SQLite {sqlite_version}"

    def query(self, place, statement):
        with connections[self.places[place]].cursor() as cursor:
            return cursor.execute(statement).fetchone()[0]

    def dispatch(self, receivers, place, count):
        name = self.places[place]
        [user] = self.stored(name, 1)

        def work(count):
            for _ in range(count):
                # As Model.save_base does.
                post_save.send(
                    sender=User, instance=user, created=True, update_fields=None, raw=False, using=name
                )

        with listening(receivers, post_save):
            return timed(work, count)

    def create(self, receivers, place, count):
        name = self.places[place]
        self.empty(name)
        users = User.objects.using(name)

        def work(names):
            for username, email in names:
                users.create(username=username, email=email, password=HASH)

        with listening(receivers, pre_save, post_save):
            return timed(work, names(count))

    def update(self, receivers, place, count):
        stored = self.stored(self.places[place], count)

        def work(addresses):
            for user, email in zip(stored, addresses):
                user.email = email
                user.save(update_fields=["email", "updated_at"])

        with listening(receivers, pre_save, post_save):
            return timed(work, addresses(count))

    def delete(self, receivers, place, count):
        stored = self.stored(self.places[place], count)

        def work(stored):
            for user in stored:
                user.delete()

        with listening(receivers, pre_delete, post_delete):
            return timed(work, stored)

    def stored(self, name, count):
        self.empty(name)
        users = User.objects.using(name)
        users.bulk_create(User(username=username, email=email, password=HASH) for username, email in names(count))
        return list(users.order_by("id"))

    def empty(self, name):
        with connections[name].cursor() as cursor:
            cursor.execute("DELETE FROM users")


def listening(receivers, *signals):
    def connect(signal, receiver):
        signal.connect(receiver, sender=User)

    def disconnect(signal, receiver):
        signal.disconnect(receiver, sender=User)

    return connected(receivers, signals, connect, disconnect)


serve(Side())
