"""Keeps a table of the people in Vestibule, in SQLite, from its events on Kafka.

It begins with a snapshot, applies each event at most once, in order for each person, and forgets who was erased.
It may be killed at any moment and started again. How to run it: README.md beside this file.
"""

import base64
import json
import os
import signal
import sqlite3
import sys
import time
import urllib.parse
import urllib.request

from confluent_kafka import Consumer, KafkaException

ISSUER = os.environ.get("ISSUER", "http://localhost:8000")
USERS_URL = os.environ.get("USERS_URL", "http://localhost:8001")
KAFKA = os.environ.get("KAFKA", "localhost:9092")
NAMESPACE = os.environ.get("NAMESPACE", "vestibule")
GROUP = os.environ.get("GROUP", "user-table")
DATABASE = os.environ.get("DATABASE", "users.db")
# No more than [events] retention_days of the user service: for so long Kafka keeps every event, deletions included.
RETENTION_DAYS = int(os.environ.get("RETENTION_DAYS", "30"))

STATES = {f"vestibule.user.{what}.v1" for what in ("created", "updated", "deactivated", "reactivated")}
DELETED = "vestibule.user.deleted.v1"

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id        TEXT PRIMARY KEY,
    sequence  INTEGER NOT NULL,
    -- All nothing for somebody who was deleted: the row stays, so that an older event cannot bring them back.
    user_name TEXT,
    name      TEXT,
    email     TEXT,
    active    INTEGER
);
-- Messages that cannot be read, for people to look at. One of them must not stop the others.
CREATE TABLE IF NOT EXISTS unreadable (place TEXT PRIMARY KEY, error TEXT NOT NULL, body BLOB);
-- When this consumer last heard from Kafka; no row: it has not begun.
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), seen_at INTEGER NOT NULL);
"""


def apply(db, kind, subject, sequence, data):
    """One event, in the transaction that is open. An older one than the row's changes nothing."""
    if kind == DELETED:
        row = (None, None, None, None)
    elif kind in STATES:
        emails = data.get("emails") or []
        chosen = next((email for email in emails if email.get("primary")), emails[0] if emails else None)
        row = (
            data["user_name"],
            (data.get("name") or {}).get("formatted"),
            chosen and chosen["value"],
            data["active"],
        )
    else:
        return  # Groups, registrations, types of the future: nothing for this table.
    db.execute(
        """INSERT INTO users (id, sequence, user_name, name, email, active) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, user_name = excluded.user_name,
               name = excluded.name, email = excluded.email, active = excluded.active
           WHERE excluded.sequence > users.sequence""",
        (subject, sequence, *row),
    )


def ask(url, token=None, form=None, basic=None):
    request = urllib.request.Request(url, data=urllib.parse.urlencode(form).encode() if form else None)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if basic:
        request.add_header("Authorization", "Basic " + base64.b64encode(":".join(basic).encode()).decode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def snapshot(db):
    """Everybody as they are now, the deleted ones too. What Kafka tells again is dropped by its sequence."""
    basic = (os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
    form = {"grant_type": "client_credentials", "scope": "events:read"}
    token = ask(f"{ISSUER}/oauth2/token", form=form, basic=basic)["access_token"]
    after = None
    while True:
        query = "?" + urllib.parse.urlencode({"after": after}) if after else ""
        page = ask(f"{USERS_URL}/events/snapshot{query}", token=token)
        with db:
            for event in page["events"]:
                apply(db, event["type"], event["subject"], int(event["sequence"]), event["data"])
        after = page.get("next")
        if not after:
            return


def receive(db, message):
    """One message: CloudEvents in binary mode, attributes in headers that begin with `ce_`."""
    if message.value() is None:
        return  # A tombstone behind `user.deleted`: it tells Kafka to forget, and us nothing more.
    try:
        headers = {name: value.decode() for name, value in message.headers() or []}
        data = json.loads(message.value())
        apply(db, headers["ce_type"], headers["ce_subject"], int(headers["ce_sequence"]), data)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        print(f"unreadable: {place}: {error!r}", file=sys.stderr, flush=True)
        db.execute("INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?)", (place, repr(error), message.value()))


def heard_now(db):
    db.execute("INSERT OR REPLACE INTO progress VALUES (1, ?)", (int(time.time()),))


def catch_up(db):
    """Reads the snapshot when Kafka was not heard for so long that it may have forgotten deletions since."""
    seen = db.execute("SELECT seen_at FROM progress").fetchone()
    if seen is None or time.time() - seen[0] > RETENTION_DAYS * 86_400:
        # What is published from now on comes after what is read here.
        snapshot(db)
        with db:
            heard_now(db)


def connected(consumer):
    """Whether Kafka answers."""
    try:
        places = consumer.assignment()
        return bool(places) and consumer.get_watermark_offsets(places[0], timeout=5.0) is not None
    except KafkaException as error:
        print(f"Kafka: {error}", file=sys.stderr, flush=True)
        return False


def main():
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.append(True))

    db = sqlite3.connect(DATABASE)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA secure_delete = ON")  # Who was erased is not left in free pages of the file.
    db.executescript(SCHEMA)
    catch_up(db)

    consumer = Consumer(
        {
            "bootstrap.servers": KAFKA,
            "group.id": GROUP,
            # An offset is committed when its effect is in the database, never before.
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            # After `kill -9` the partitions are free again when the dead one has been silent for so long.
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 2000,
        }
    )
    consumer.subscribe([f"{NAMESPACE}.users"])
    print("following", flush=True)
    look, heard = time.monotonic() + 60, False
    while not stopped:
        messages = consumer.consume(num_messages=500, timeout=1.0)
        for message in messages:
            if message.error():
                print(f"Kafka: {message.error()}", file=sys.stderr, flush=True)
                if message.error().fatal():
                    raise KafkaException(message.error())
        messages = [message for message in messages if not message.error()]
        if messages or time.monotonic() >= look:
            catch_up(db)
            look = time.monotonic() + 60
            heard = bool(messages) or connected(consumer)
        with db:  # One transaction.
            for message in messages:
                receive(db, message)
            if heard:
                heard_now(db)
        if messages:
            # Killed before this line, it gets the same messages again and drops them by their sequence.
            consumer.commit(asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    main()
