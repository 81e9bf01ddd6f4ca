//! Exchanges, queues and bindings: declared, or looked for.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::AMQPSoftError;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Error, ExchangeKind};

use super::connection::{Session, lost, refusal, say};
use events::transport::SubscriptionError;

/// The events that each of our services must hear, as patterns of routing keys: later versions of a type are
/// heard too. An event that fits one is not delivered before it is in a queue.
const AUDIENCES: [(&str, &[&str]); 2] = [
    (
        "auth",
        &[
            "vestibule.user.#",
            "vestibule.group.#",
            "vestibule.registration.rejected.#",
        ],
    ),
    (
        "users",
        &["vestibule.registration.requested.#", "vestibule.subject.erased.#"],
    ),
];

/// Deliveries of a message before the broker sets it aside: never. Newer brokers do after 20, and a database that is
/// away for a minute is no fault of the message. A limit, however high, also makes the broker put what comes back to
/// where it was, not behind the others.
const DELIVERY_LIMIT: i64 = 2_000_000_000;

/// The names of one installation.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    namespace: String,
    declare: bool,
}

impl Topology {
    pub(super) fn new(namespace: &str, declare: bool) -> Self {
        Self {
            namespace: namespace.to_owned(),
            declare,
        }
    }

    /// The exchange to which events are published.
    pub(super) fn exchange(&self) -> String {
        format!("{}.events", self.namespace)
    }

    /// The queue of a consumer.
    pub(super) fn queue(&self, consumer: &str) -> String {
        format!("{}.{consumer}", self.namespace)
    }

    /// The exchange to which rejected messages go.
    pub(super) fn dead_exchange(&self) -> String {
        format!("{}.dead", self.namespace)
    }

    /// The queue in which rejected messages wait for people.
    pub(super) fn dead_queue(&self) -> String {
        format!("{}.dead-letters", self.namespace)
    }

    /// Sees to it that events can be published. The queues are for who reads them: only they know whether one that is
    /// missing was there before. Until it is there again, what they must hear waits.
    pub(super) async fn for_publisher(&self, session: &Session) -> Result<(), SubscriptionError> {
        let options = ExchangeDeclareOptions {
            passive: !self.declare,
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        self.exchange_of(
            &session.channel().await?,
            (&self.exchange(), ExchangeKind::Topic),
            options,
        )
        .await
    }

    /// True if the queue exists. A missing one is an error if it has to be declared by hand, unless it was
    /// there before (`begun`).
    pub(super) async fn has_queue(
        &self,
        session: &Session,
        queue: &str,
        begun: bool,
    ) -> Result<bool, SubscriptionError> {
        // A channel of its own: the answer that the queue is missing closes it.
        match waiting(&session.channel().await?, queue).await {
            Ok(_) => Ok(true),
            Err(error) if refusal(&error) == Some(AMQPSoftError::NOTFOUND) && (self.declare || begun) => {
                Ok(false)
            }
            Err(error) => Err(self.problem(&error, "queue", queue)),
        }
    }

    /// Declares what `consumer` needs, if that is done here.
    pub(super) async fn for_consumer(
        &self,
        session: &Session,
        consumer: &str,
    ) -> Result<(), SubscriptionError> {
        if !self.declare {
            return Ok(());
        }
        let channel = session.channel().await?;
        let exchanges = [
            (self.exchange(), ExchangeKind::Topic),
            (self.dead_exchange(), ExchangeKind::Fanout),
        ];
        for (name, kind) in exchanges {
            let durable = ExchangeDeclareOptions {
                durable: true,
                ..ExchangeDeclareOptions::default()
            };
            self.exchange_of(&channel, (&name, kind), durable).await?;
        }
        let quorum = table([("x-queue-type", text("quorum"))]);
        self.bind(&channel, &self.dead_queue(), quorum, &self.dead_exchange(), &[""])
            .await?;
        let audience = AUDIENCES.iter().find(|(service, _)| *service == consumer);
        let patterns = audience.map_or(&["#"][..], |(_, patterns)| *patterns);
        self.declare_queue(&channel, consumer, patterns).await
    }

    async fn exchange_of(
        &self,
        channel: &Channel,
        (name, kind): (&str, ExchangeKind),
        options: ExchangeDeclareOptions,
    ) -> Result<(), SubscriptionError> {
        channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await
            .map_err(|error| self.problem(&error, "exchange", name))
    }

    async fn declare_queue(
        &self,
        channel: &Channel,
        consumer: &str,
        patterns: &[&str],
    ) -> Result<(), SubscriptionError> {
        let arguments = table([
            ("x-queue-type", text("quorum")),
            ("x-single-active-consumer", AMQPValue::Boolean(true)),
            ("x-dead-letter-exchange", text(&self.dead_exchange())),
            // A message leaves this queue when it is in the other; the broker wants the overflow to be this for it.
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
        ]);
        self.bind(
            channel,
            &self.queue(consumer),
            arguments,
            &self.exchange(),
            patterns,
        )
        .await
    }

    async fn bind(
        &self,
        channel: &Channel,
        queue: &str,
        arguments: FieldTable,
        exchange: &str,
        patterns: &[&str],
    ) -> Result<(), SubscriptionError> {
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let problem = |error: Error| self.problem(&error, "queue", queue);
        channel
            .queue_declare(queue.into(), durable, arguments)
            .await
            .map_err(problem)?;
        for pattern in patterns {
            channel
                .queue_bind(
                    queue.into(),
                    exchange.into(),
                    (*pattern).into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await
                .map_err(problem)?;
        }
        Ok(())
    }

    /// The error for a refusal, with advice for the operator.
    fn problem(&self, error: &Error, what: &str, name: &str) -> SubscriptionError {
        let said = say(error);
        let advice = match refusal(error) {
            Some(AMQPSoftError::NOTFOUND) if !self.declare => {
                "declare it, or set events.rabbitmq.declare = true"
            }
            Some(AMQPSoftError::PRECONDITIONFAILED) => {
                "it was declared otherwise before: delete it when it is empty, and it is declared anew"
            }
            Some(AMQPSoftError::ACCESSREFUSED) => {
                "give the user the right to configure it, or declare it yourself and set events.rabbitmq.declare = false"
            }
            _ => return lost(error),
        };
        SubscriptionError::Topology(format!("the {what} {name}: {said}; {advice}"))
    }
}

/// The number of messages that wait in a queue.
pub(super) async fn waiting(channel: &Channel, queue: &str) -> Result<u32, Error> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let found = channel
        .queue_declare(queue.into(), passive, FieldTable::default())
        .await?;
    Ok(found.message_count())
}

/// True if one of our services must hear events of this type.
pub(super) fn must_be_heard(kind: &str) -> bool {
    AUDIENCES
        .iter()
        .flat_map(|(_, patterns)| *patterns)
        .any(|pattern| kind.starts_with(pattern.trim_end_matches('#')))
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(ShortString::from(name), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
