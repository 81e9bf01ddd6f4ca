//! A connection to the broker, which ends when it is dropped.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::secret::{ExposeSecret, SecretString};
use lapin::auth::AuthProvider;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::tcp::{AMQPUriTcpExt, TLSConfig};
use lapin::types::{LongString, ShortString};
use lapin::uri::{AMQPScheme, SASLMechanism};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, Consumer, Error, ErrorKind};

use super::config::RabbitmqConfig;
use super::tls;
use events::transport::SubscriptionError;

/// The longest time for a connection to the broker, sign-in included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The longest time for the end of a connection.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// A connection. Dropping it tells the broker, which then hands what was not acknowledged to somebody else at once.
pub(super) struct Session {
    connection: Option<Connection>,
    line: Option<Line>,
}

impl Session {
    /// Connects; `name` is what the broker's operators see.
    pub(super) async fn open(config: &RabbitmqConfig, name: String) -> Result<Self, SubscriptionError> {
        let away = SubscriptionError::Away;
        let place = config.url.place();
        let (mut uri, password) = config
            .url
            .parts(config.heartbeat_seconds)
            .ok_or_else(|| away("events.rabbitmq.url cannot be read".to_owned()))?;
        let connector = config
            .url
            .encrypted()
            .then(|| tls::connector(&config.tls))
            .transpose()?;
        // The encryption is ours, so that only the authorities of the configuration are believed.
        uri.scheme = AMQPScheme::AMQP;
        let mut properties = ConnectionProperties::default().with_connection_name(name.into());
        if uri.query.auth_mechanism.unwrap_or_default() == SASLMechanism::Plain {
            let user = uri.authority.userinfo.username.clone();
            properties = properties.with_auth_provider(Plain { user, password });
        }
        let runtime = lapin::runtime::default_runtime().map_err(|error| away(say(&error)))?;
        let line = Line::default();
        let socket = line.socket();
        let connecting = Connection::connector(
            uri,
            runtime,
            async move |uri, runtime| {
                let stream = uri
                    .connect_with_config_async(TLSConfig::default(), &runtime)
                    .await?;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    hold(&socket, plain.get_ref().as_fd().try_clone_to_owned()?.into())?;
                }
                match &connector {
                    Some(connector) => Ok(stream.into_rustls(connector, &uri.authority.host).await?),
                    None => Ok(stream),
                }
            },
            properties,
        );
        let mut session = Self {
            connection: None,
            line: Some(line),
        };
        match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(connection)) => {
                session.connection = Some(connection);
                Ok(session)
            }
            Ok(Err(error)) => Err(away(format!("{place}: {}", say(&error)))),
            Err(_) => Err(away(format!("{place}: no answer within {CONNECT_WITHIN:?}"))),
        }
    }

    /// A channel of its own.
    pub(super) async fn channel(&self) -> Result<Channel, SubscriptionError> {
        match &self.connection {
            Some(connection) => connection.create_channel().await.map_err(|error| lost(&error)),
            None => Err(SubscriptionError::Away("the connection is closed".to_owned())),
        }
    }

    /// Says good-bye in the background, and drops `consumer` after that.
    pub(super) fn close(&mut self, consumer: Option<Consumer>) {
        let (Some(connection), Some(line)) = (self.connection.take(), self.line.take()) else {
            return;
        };
        // Without a runtime the line goes now, which the broker understands as well.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(CLOSE_WITHIN, connection.close(200, "bye".into())).await;
                drop((line, consumer));
            });
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close(None);
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The socket below a connection. The client works on it in a thread that waits for the peer; one that says nothing
/// would keep that thread for ever, so the socket is shut down when this is dropped.
#[derive(Default)]
struct Line(Arc<Mutex<Socket>>);

#[derive(Default)]
enum Socket {
    #[default]
    None,
    Open(TcpStream),
    Dropped,
}

impl Line {
    fn socket(&self) -> Arc<Mutex<Socket>> {
        Arc::clone(&self.0)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Socket::Open(open) = std::mem::replace(&mut *socket, Socket::Dropped) {
            let _ = open.shutdown(Shutdown::Both);
        }
    }
}

/// Notes the socket, unless nobody waits for it any more.
fn hold(socket: &Mutex<Socket>, open: TcpStream) -> io::Result<()> {
    let mut socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*socket, Socket::Dropped) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    *socket = Socket::Open(open);
    Ok(())
}

/// SASL PLAIN (RFC 4616). The library's own would need the password in the URL, which it traces.
struct Plain {
    user: String,
    password: SecretString,
}

impl AuthProvider for Plain {
    fn mechanism(&self) -> ShortString {
        SASLMechanism::Plain.name().into()
    }

    fn auth_starter(&self) -> Result<LongString, String> {
        Ok(format!("\0{}\0{}", self.user, self.password.expose_secret()).into())
    }
}

/// That the connection or the channel is of no more use.
pub(super) fn lost(error: &Error) -> SubscriptionError {
    SubscriptionError::Away(say(error))
}

/// The text of an error: the broker's own when it sent one.
pub(super) fn say(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => refusal.get_message().to_string(),
        ErrorKind::IOError(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// The broker's refusal that closes no more than the channel, if that is what it is.
pub(super) fn refusal(error: &Error) -> Option<AMQPSoftError> {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) => match refusal.kind() {
            AMQPErrorKind::Soft(soft) => Some(soft.clone()),
            AMQPErrorKind::Hard(_) => None,
        },
        _ => None,
    }
}
