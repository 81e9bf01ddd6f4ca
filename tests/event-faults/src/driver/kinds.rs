//! The kinds of faults, their targets and their probabilities.

use chassis::db::Engine;

use super::broker::Transport;
use crate::seeded::SeededRandom;
use crate::settings::Role;
use crate::worker::CrashPoint;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// `kill -9` at any moment.
    Kill,
    /// `kill -9` at a certain point.
    Die(CrashPoint),
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

/// The target of a fault. A target has at most one fault at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTarget {
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

impl FaultKind {
    /// The name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 at any moment",
            Self::Die(CrashPoint::BeforePublish) => "kill -9 between commit and publish",
            Self::Die(CrashPoint::AfterPublish) => "kill -9 after publish, before mark",
            Self::Die(CrashPoint::AfterCommit) => {
                "kill -9 of the consumer after commit, before acknowledgement"
            }
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

    /// The duration in milliseconds.
    pub(super) fn duration_ms(self, random: &mut SeededRandom) -> u64 {
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

/// All faults that are possible on `engine` and `transport`.
pub(super) fn all(engine: Engine, transport: Transport, replicas: usize) -> Vec<(FaultKind, FaultTarget)> {
    let last = replicas.saturating_sub(1);
    let (source, follower) = (
        FaultTarget::Process(Role::Source, 0),
        FaultTarget::Process(Role::Follower, last),
    );
    let mut all = vec![
        (FaultKind::Die(CrashPoint::BeforePublish), source),
        (FaultKind::Die(CrashPoint::AfterPublish), source),
        (FaultKind::Die(CrashPoint::AfterCommit), follower),
        (FaultKind::Kill, source),
        (FaultKind::Kill, follower),
        (FaultKind::Pause, source),
        (FaultKind::Pause, follower),
        (FaultKind::Upgrade, source),
        (FaultKind::Poison, FaultTarget::Handlers),
        (FaultKind::ClockWrong, FaultTarget::Clock(Role::Source, last)),
        (FaultKind::ClockWrong, FaultTarget::Clock(Role::Follower, 0)),
    ];
    for role in [Role::Source, Role::Follower] {
        let (database, server) = (FaultTarget::Database(role, 0), FaultTarget::Server(role));
        match engine {
            Engine::Sqlite => all.extend([
                (FaultKind::DatabaseLocked, server),
                (FaultKind::DiskFull, database),
            ]),
            Engine::Postgres => all.extend([
                (FaultKind::DatabaseCut, database),
                (FaultKind::DatabaseHeld, database),
                (FaultKind::DatabaseReset, database),
                (FaultKind::SessionsEnded, server),
                (FaultKind::DiskFull, server),
            ]),
        }
    }
    let line = match transport {
        Transport::Feed => FaultTarget::Feed(0),
        Transport::Kafka | Transport::Rabbitmq => FaultTarget::Broker,
    };
    let lines = [
        FaultKind::LineCut,
        FaultKind::LineHeld,
        FaultKind::LineReset,
        FaultKind::ConfirmsLost,
        FaultKind::LineSlow,
    ];
    all.extend(lines.map(|kind| (kind, line)));
    if transport != Transport::Feed {
        all.push((FaultKind::BrokerKilled, FaultTarget::Broker));
    }
    all
}

/// Chooses a fault that is possible on `engine` and `transport`.
pub(super) fn choose(
    random: &mut SeededRandom,
    engine: Engine,
    transport: Transport,
    replicas: usize,
) -> (FaultKind, FaultTarget) {
    let role = if random.chance(50) {
        Role::Source
    } else {
        Role::Follower
    };
    let which = random.index(replicas);
    let (process, database) = (
        FaultTarget::Process(role, which),
        FaultTarget::Database(role, which),
    );
    let line = match transport {
        Transport::Feed => FaultTarget::Feed(which),
        Transport::Kafka | Transport::Rabbitmq => FaultTarget::Broker,
    };
    let source = FaultTarget::Process(Role::Source, which);
    match random.below(100) {
        0..12 => (FaultKind::Kill, process),
        12..20 => (FaultKind::Die(CrashPoint::BeforePublish), source),
        20..30 => (FaultKind::Die(CrashPoint::AfterPublish), source),
        30..40 => (
            FaultKind::Die(CrashPoint::AfterCommit),
            FaultTarget::Process(Role::Follower, which),
        ),
        40..45 => (FaultKind::Upgrade, process),
        45..51 => (FaultKind::Pause, process),
        51..56 if engine == Engine::Sqlite => (FaultKind::DatabaseLocked, FaultTarget::Server(role)),
        51..54 => (FaultKind::DatabaseCut, database),
        54..56 => (FaultKind::DatabaseHeld, database),
        56..61 if engine == Engine::Sqlite => (FaultKind::DiskFull, database),
        56..59 => (FaultKind::DatabaseReset, database),
        59..61 => (FaultKind::SessionsEnded, FaultTarget::Server(role)),
        61..64 if engine == Engine::Sqlite => (FaultKind::DiskFull, database),
        61..64 => (FaultKind::DiskFull, FaultTarget::Server(role)),
        64..70 => (FaultKind::LineCut, line),
        70..74 => (FaultKind::LineHeld, line),
        74..80 => (FaultKind::LineReset, line),
        80..86 => (FaultKind::ConfirmsLost, line),
        86..88 => (FaultKind::LineSlow, line),
        88 if transport != Transport::Feed => (FaultKind::BrokerKilled, FaultTarget::Broker),
        88..94 => (FaultKind::Poison, FaultTarget::Handlers),
        _ => (FaultKind::ClockWrong, FaultTarget::Clock(role, which)),
    }
}
