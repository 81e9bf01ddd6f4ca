// Keeps a table of the people in Vestibule, in one JSON file, from its events on RabbitMQ.
//
// It begins with a snapshot, applies each event at most once, in order for each person, and forgets who was erased.
// It may be killed at any moment and started again. How to run it: README.md beside this file.

import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import amqp from 'amqplib';

const {
  ISSUER = 'http://localhost:8000',
  USERS_URL = 'http://localhost:8001',
  RABBITMQ = 'amqp://guest:guest@localhost:5672/%2f',
  NAMESPACE = 'vestibule',
  QUEUE = 'user-table',
  TABLE = 'users.json',
  CLIENT_ID,
  CLIENT_SECRET,
} = process.env;

const EXCHANGE = `${NAMESPACE}.events`;
const STATES = ['created', 'updated', 'deactivated', 'reactivated'].map((what) => `vestibule.user.${what}.v1`);
const DELETED = 'vestibule.user.deleted.v1';

// `users`: by id. Somebody who was deleted keeps a row with nothing but its sequence, so that an older event cannot bring
// them back. `unreadable`: messages for people to look at; one of them must not stop the others. `complete`: the snapshot
// was read to its end.
let table = { users: {}, unreadable: [], complete: false };

/** Reads the table; false when there is none yet. */
async function load() {
  try {
    table = JSON.parse(await readFile(TABLE, 'utf8'));
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Writes the table: whoever is killed here leaves the old file or the new one. A database would be a transaction. */
async function save() {
  const next = `${TABLE}.next`;
  const file = await open(next, 'w');
  await file.writeFile(JSON.stringify(table));
  await file.sync();
  await file.close();
  await rename(next, TABLE);
  const folder = await open(dirname(TABLE), 'r');
  await folder.sync();
  await folder.close();
}

/** One event. An older one than the row's changes nothing. */
function apply(type, subject, sequence, data) {
  const known = table.users[subject];
  if (known && known.sequence >= sequence) return;
  if (type === DELETED) {
    table.users[subject] = { sequence };
  } else if (STATES.includes(type)) {
    const email = data.emails?.find((email) => email.primary) ?? data.emails?.[0];
    table.users[subject] = {
      sequence,
      user_name: data.user_name,
      name: data.name?.formatted,
      email: email?.value,
      active: data.active,
    };
  }
  // Anything else is a type of the future: nothing for this table.
}

async function ask(url, init) {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Everybody as they are now, the deleted ones too. What RabbitMQ tells again is dropped by its sequence. */
async function snapshot() {
  const basic = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64');
  const { access_token: token } = await ask(`${ISSUER}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'events:read' }),
  });
  let next;
  do {
    const query = next ? `?${new URLSearchParams({ after: next })}` : '';
    const page = await ask(`${USERS_URL}/events/snapshot${query}`, { headers: { authorization: `Bearer ${token}` } });
    for (const event of page.events) apply(event.type, event.subject, Number(event.sequence), event.data);
    next = page.next;
  } while (next);
  table.complete = true;
  await save();
}

/** One message: CloudEvents in binary mode, attributes in headers. */
function receive(message) {
  const attribute = (name) => {
    const value = message.properties.headers[`cloudEvents_${name}`] ?? message.properties.headers[`cloudEvents:${name}`];
    if (value === undefined) throw new Error(`no attribute ${name}`);
    return value.toString();
  };
  try {
    const sequence = Number(attribute('sequence'));
    if (!Number.isSafeInteger(sequence)) throw new Error('the sequence is no number');
    apply(attribute('type'), attribute('subject'), sequence, JSON.parse(message.content));
  } catch (error) {
    console.error(`unreadable: ${error.message}`);
    table.unreadable.push({ error: error.message, body: message.content.toString('base64') });
  }
}

/** Whether the queue is there. The answer that it is not closes the channel, so this takes one of its own. */
async function exists(connection) {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  try {
    await channel.checkQueue(QUEUE);
    await channel.close();
    return true;
  } catch (error) {
    if (error.code === 404) return false;
    throw error;
  }
}

/** One connection, until it ends. */
async function follow() {
  const connection = await amqp.connect(RABBITMQ);
  const ended = new Promise((resolve) => connection.on('close', resolve));
  connection.on('error', (error) => console.error(`RabbitMQ: ${error.message}`));

  // Without the queue, nothing was kept for us: everything has to be read again. It is bound first, so that whatever is
  // published while the snapshot is read waits in it.
  const began = (await load()) && table.complete && (await exists(connection));
  if (!began) {
    // Killed between here and the end of the snapshot, it has to begin again although the queue is there by then.
    table.complete = false;
    await save();
  }
  const channel = await connection.createChannel();
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  await channel.assertQueue(QUEUE, {
    durable: true,
    // One consumer at a time: that keeps the order per person. A second copy of this program may stand by on another
    // machine only if it shares the table; this one keeps it in memory, so run one.
    arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true },
  });
  await channel.bindQueue(QUEUE, EXCHANGE, 'vestibule.user.#');
  if (!began) await snapshot();

  const waiting = [];
  let failed;
  let working = false;
  const work = async () => {
    if (working) return;
    working = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0);
      for (const message of batch) receive(message);
      await save();
      // Killed before this line, it gets the same messages again and drops them by their sequence.
      channel.ack(batch.at(-1), true);
    }
    working = false;
  };
  await channel.prefetch(200);
  await channel.consume(QUEUE, (message) => {
    if (message === null) return connection.close(); // The queue was deleted.
    waiting.push(message);
    work().catch((error) => {
      failed = error;
      connection.close().catch(() => {});
    });
  });
  console.log('following');
  await ended;
  if (failed) throw failed;
}

for (;;) {
  try {
    await follow();
  } catch (error) {
    console.error(`tried again: ${error.message}`);
  }
  await pause(1000);
}
