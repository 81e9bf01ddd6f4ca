//! What can happen, where, and how likely it is.

use chassis::db::Engine;

use super::broker::Transport;
use crate::seeded::Seeded;
use crate::settings::Role;
use crate::worker::Point;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `kill -9` at any moment.
    Kill,
    /// `kill -9` at a certain point.
    Die(Point),
    /// SIGTERM and a start: what an upgrade does, on a source with the other release.
    Upgrade,
    /// SIGSTOP for longer than a lease, then SIGCONT.
    Pause,
    /// Every connection to the database ends, and no new one is let in.
    DatabaseCut,
    /// The database answers nothing.
    DatabaseHeld,
    /// Every connection to the database is reset.
    DatabaseReset,
    /// Another process holds the lock of the file.
    DatabaseLocked,
    /// The server ends every session.
    SessionsEnded,
    /// The disk is full.
    DiskFull,
    /// The broker, or the feed, is gone.
    LineCut,
    /// It answers nothing.
    LineHeld,
    /// Every connection to it is reset.
    LineReset,
    /// It hears, and its confirmations are lost.
    ConfirmsLost,
    /// It is slow.
    LineSlow,
    /// `kill -9` of the broker.
    BrokerKilled,
    /// The handler refuses some events.
    Poison,
    /// The clock of one process is five minutes ahead or behind.
    ClockWrong,
}

/// To whom it happens. Nothing happens twice at the same time to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A process.
    Process(Role, usize),
    /// Its database, as it sees it.
    Database(Role, usize),
    /// The database of a whole side.
    Server(Role),
    /// Its clock.
    Clock(Role, usize),
    /// The way from the source to a follower.
    Feed(usize),
    /// The broker.
    Broker,
    /// The handlers.
    Handlers,
}

impl Kind {
    /// As the report has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 at any moment",
            Self::Die(Point::BeforePublish) => "kill -9 between commit and publish",
            Self::Die(Point::AfterPublish) => "kill -9 after publish, before mark",
            Self::Die(Point::AfterCommit) => "kill -9 of the consumer after commit, before acknowledgement",
            Self::Upgrade => "replica replaced, by the other release at the source",
            Self::Pause => "stopped beyond its lease, then resumed",
            Self::DatabaseCut => "database cut off",
            Self::DatabaseHeld => "database hangs",
            Self::DatabaseReset => "connections to the database reset",
            Self::DatabaseLocked => "database file locked by another",
            Self::SessionsEnded => "database sessions ended by the server",
            Self::DiskFull => "disk full",
            Self::LineCut => "broker or feed unreachable",
            Self::LineHeld => "broker or feed hangs",
            Self::LineReset => "connections to broker or feed reset",
            Self::ConfirmsLost => "confirmations or answers lost",
            Self::LineSlow => "broker or feed slow",
            Self::BrokerKilled => "kill -9 of the broker",
            Self::Poison => "events that the handler refuses",
            Self::ClockWrong => "clock wrong by five minutes",
        }
    }

    /// How long it lasts, in milliseconds.
    pub(super) fn lasts(self, random: &mut Seeded) -> u64 {
        match self {
            Self::Kill | Self::Upgrade => random.between(0, 300),
            Self::Die(_) => random.between(400, 1200),
            // The lease of the workers is 900 ms.
            Self::Pause => random.between(1000, 2600),
            // Beyond the five seconds for which SQLite waits, now and then.
            Self::DatabaseLocked if random.chance(8) => random.between(5200, 6000),
            Self::SessionsEnded | Self::DatabaseReset | Self::LineReset => 0,
            Self::BrokerKilled => random.between(200, 1500),
            _ => random.between(150, 1400),
        }
    }
}

/// Everything that can happen on `engine` and `transport`, once.
pub(super) fn all(engine: Engine, transport: Transport, replicas: usize) -> Vec<(Kind, Target)> {
    let last = replicas.saturating_sub(1);
    let (source, follower) = (
        Target::Process(Role::Source, 0),
        Target::Process(Role::Follower, last),
    );
    let mut all = vec![
        (Kind::Die(Point::BeforePublish), source),
        (Kind::Die(Point::AfterPublish), source),
        (Kind::Die(Point::AfterCommit), follower),
        (Kind::Kill, source),
        (Kind::Kill, follower),
        (Kind::Pause, source),
        (Kind::Pause, follower),
        (Kind::Upgrade, source),
        (Kind::Poison, Target::Handlers),
        (Kind::ClockWrong, Target::Clock(Role::Source, last)),
        (Kind::ClockWrong, Target::Clock(Role::Follower, 0)),
    ];
    for role in [Role::Source, Role::Follower] {
        let (database, server) = (Target::Database(role, 0), Target::Server(role));
        match engine {
            Engine::Sqlite => all.extend([(Kind::DatabaseLocked, server), (Kind::DiskFull, database)]),
            Engine::Postgres => all.extend([
                (Kind::DatabaseCut, database),
                (Kind::DatabaseHeld, database),
                (Kind::DatabaseReset, database),
                (Kind::SessionsEnded, server),
                (Kind::DiskFull, server),
            ]),
        }
    }
    let line = match transport {
        Transport::Feed => Target::Feed(0),
        Transport::Kafka | Transport::Rabbitmq => Target::Broker,
    };
    let lines = [
        Kind::LineCut,
        Kind::LineHeld,
        Kind::LineReset,
        Kind::ConfirmsLost,
        Kind::LineSlow,
    ];
    all.extend(lines.map(|kind| (kind, line)));
    if transport != Transport::Feed {
        all.push((Kind::BrokerKilled, Target::Broker));
    }
    all
}

/// Something to happen, fit for `engine` and `transport`.
pub(super) fn choose(
    random: &mut Seeded,
    engine: Engine,
    transport: Transport,
    replicas: usize,
) -> (Kind, Target) {
    let role = if random.chance(50) {
        Role::Source
    } else {
        Role::Follower
    };
    let which = random.index(replicas);
    let (process, database) = (Target::Process(role, which), Target::Database(role, which));
    let line = match transport {
        Transport::Feed => Target::Feed(which),
        Transport::Kafka | Transport::Rabbitmq => Target::Broker,
    };
    let source = Target::Process(Role::Source, which);
    match random.below(100) {
        0..12 => (Kind::Kill, process),
        12..20 => (Kind::Die(Point::BeforePublish), source),
        20..30 => (Kind::Die(Point::AfterPublish), source),
        30..40 => (
            Kind::Die(Point::AfterCommit),
            Target::Process(Role::Follower, which),
        ),
        40..45 => (Kind::Upgrade, process),
        45..51 => (Kind::Pause, process),
        51..56 if engine == Engine::Sqlite => (Kind::DatabaseLocked, Target::Server(role)),
        51..54 => (Kind::DatabaseCut, database),
        54..56 => (Kind::DatabaseHeld, database),
        56..61 if engine == Engine::Sqlite => (Kind::DiskFull, database),
        56..59 => (Kind::DatabaseReset, database),
        59..61 => (Kind::SessionsEnded, Target::Server(role)),
        61..64 if engine == Engine::Sqlite => (Kind::DiskFull, database),
        61..64 => (Kind::DiskFull, Target::Server(role)),
        64..70 => (Kind::LineCut, line),
        70..74 => (Kind::LineHeld, line),
        74..80 => (Kind::LineReset, line),
        80..86 => (Kind::ConfirmsLost, line),
        86..88 => (Kind::LineSlow, line),
        88 if transport != Transport::Feed => (Kind::BrokerKilled, Target::Broker),
        88..94 => (Kind::Poison, Target::Handlers),
        _ => (Kind::ClockWrong, Target::Clock(role, which)),
    }
}
