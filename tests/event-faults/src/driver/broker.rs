//! The transport of a world: HTTP alone, or a broker of its own behind a fault proxy.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use serde_json::{Value, json};
use testkit::FaultProxy;
use testkit::brokers::{OwnKafka, OwnRabbit};
use tokio::net::TcpListener;

/// The transport of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over HTTP.
    Feed,
    /// Over Kafka.
    Kafka,
    /// Over RabbitMQ.
    Rabbitmq,
}

impl Transport {
    /// As in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Kafka => "kafka",
            Self::Rabbitmq => "rabbitmq",
        }
    }
}

/// The broker, if there is one. All that is said to it goes through the proxy.
#[derive(Debug)]
pub enum Broker {
    /// None.
    Feed,
    /// Kafka.
    Kafka(OwnKafka, FaultProxy),
    /// RabbitMQ.
    Rabbitmq(OwnRabbit, FaultProxy),
}

impl Broker {
    /// Starts what `transport` needs.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn start(transport: Transport) -> anyhow::Result<Self> {
        Ok(match transport {
            Transport::Feed => Self::Feed,
            Transport::Kafka => {
                // Held from now on: Kafka takes seconds to start.
                let listener = TcpListener::bind(local(0)).await?;
                let own = OwnKafka::behind(listener.local_addr()?.port()).await;
                let target = own.listener("proxied").parse().context("the address of Kafka")?;
                let line = FaultProxy::on(listener, target);
                Self::Kafka(own, line)
            }
            Transport::Rabbitmq => {
                let own = OwnRabbit::start().await;
                let line = FaultProxy::start(0, own.address()).await;
                Self::Rabbitmq(own, line)
            }
        })
    }

    /// The transport of this broker.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Feed => Transport::Feed,
            Self::Kafka(..) => Transport::Kafka,
            Self::Rabbitmq(..) => Transport::Rabbitmq,
        }
    }

    /// `[events]` of a worker.
    pub fn settings(&self, namespace: &str) -> Value {
        let name = self.transport().name();
        let of_broker = match self {
            Self::Feed => None,
            Self::Kafka(_, line) => Some(json!({
                "brokers": [line.address().to_string()],
                "partitions": 4,
                // A campaign need not wait as long as production for what is surely dead.
                "timeout_seconds": 3,
                "session_timeout_ms": 1000,
            })),
            Self::Rabbitmq(_, line) => {
                Some(json!({ "url": format!("amqp://guest:guest@{}/%2f", line.address()) }))
            }
        };
        // Without the reconciler, which would repair what the checker is to find.
        let mut settings = json!({ "transport": name, "namespace": namespace, "reconcile_minutes": 0 });
        if let (Some(of_broker), Some(settings)) = (of_broker, settings.as_object_mut()) {
            settings.insert(name.to_owned(), of_broker);
        }
        settings
    }

    /// The line to it.
    pub fn line(&self) -> Option<&FaultProxy> {
        match self {
            Self::Feed => None,
            Self::Kafka(_, line) | Self::Rabbitmq(_, line) => Some(line),
        }
    }

    /// `kill -9`.
    pub async fn kill(&self) {
        match self {
            Self::Feed => {}
            Self::Kafka(own, _) => own.kill().await,
            Self::Rabbitmq(own, _) => own.kill().await,
        }
    }

    /// Starts the broker again with its data.
    pub async fn start_again(&self) {
        match self {
            Self::Feed => {}
            Self::Kafka(own, _) => own.start_again().await,
            Self::Rabbitmq(own, _) => own.start_again().await,
        }
    }
}

/// An address of this machine.
pub(super) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
