//! The locks of a migration on PostgreSQL, taken before its first statement.
//!
//! Replicas of the version before serve people while a migration runs. Statement by statement it would lock a table weakly first and
//! strongly later; a transaction of such a replica that came in between and a migration then wait for each other, and the
//! server ends one of them. So each migration begins with the strongest lock that its statements take on each table that was
//! there before. It waits for the first one while it holds none. For the others it waits for less than the server takes
//! to look for a deadlock; then it gives up, lets others through, and tries again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// The longest wait for the first lock. Who needs that table waits behind the migration meanwhile.
const FIRST_WAIT: Duration = Duration::from_secs(3);

/// The longest waits for all other locks together. PostgreSQL looks for a deadlock after a second.
const OTHER_WAITS: Duration = Duration::from_millis(700);

/// The number of attempts.
pub(super) const ATTEMPTS: u32 = 30;

/// The pause between two attempts, in which the statements that waited behind the migration run.
pub(super) const PAUSE: Duration = Duration::from_millis(300);

/// A lock of a table, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    /// That of an index or a foreign key: nobody writes.
    ShareRowExclusive,
    /// For an update of rows: nobody writes, or locks rows in order to write them.
    Exclusive,
    /// For a change of the table: nobody reads.
    AccessExclusive,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }
}

/// The tables of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// The table of each table, which is itself, and of each index.
    table_of: BTreeMap<String, String>,
}

impl Tables {
    /// The tables in the schema of a connection.
    pub(super) async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        const TABLES: &str =
            "SELECT tablename::TEXT, tablename::TEXT FROM pg_tables WHERE schemaname = current_schema()
             UNION SELECT indexname::TEXT, tablename::TEXT FROM pg_indexes WHERE schemaname = current_schema()";
        let rows: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(connection).await?;
        Ok(Self {
            table_of: rows.into_iter().collect(),
        })
    }

    /// The migration with its locks. Its checksum stays.
    pub(super) fn with_locks(&self, file: &Migration) -> Migration {
        let text = file.sql.as_str();
        Migration {
            sql: QueryBuilder::<Postgres>::new(self.prelude(text) + text).into_sql(),
            ..file.clone()
        }
    }

    /// The statements before those of `text`. Empty when it changes no table that is there.
    fn prelude(&self, text: &str) -> String {
        let mut locks: Vec<(Mode, &str)> = self
            .locks(text)
            .into_iter()
            .map(|(table, mode)| (mode, table))
            .collect();
        locks.sort_by(|(mode, table), (other, name)| other.cmp(mode).then(table.cmp(name)));
        let others = u32::try_from(locks.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(1)
            .max(1);
        let mut statements = String::new();
        for (number, (mode, table)) in locks.iter().enumerate() {
            let wait = if number == 0 {
                FIRST_WAIT
            } else {
                OTHER_WAITS / others
            };
            let (millis, mode) = (wait.as_millis().max(10), mode.name());
            // Writing to a text does not fail.
            let _ = writeln!(
                statements,
                "SET LOCAL lock_timeout = {millis};\nLOCK TABLE \"{table}\" IN {mode} MODE;"
            );
        }
        if !locks.is_empty() {
            // What follows waits for nobody, or for an index of a large table.
            statements.push_str("SET LOCAL lock_timeout = 0;\n");
        }
        statements
    }

    /// The strongest lock that the statements of `text` take on each table that is there.
    fn locks(&self, text: &str) -> BTreeMap<&str, Mode> {
        let mut locks = BTreeMap::new();
        for statement in statements(text) {
            let words: Vec<&str> = statement.iter().map(String::as_str).collect();
            let altered = match words.get(..2) {
                Some(["drop" | "alter", "index"] | ["drop" | "lock", "table"]) | Some(["truncate", _]) => {
                    words.len()
                }
                // The first table; others are those of its foreign keys.
                Some(["alter", "table"]) => self.position(&words).map_or(0, |place| place + 1),
                _ => 0,
            };
            for (place, word) in words.iter().enumerate() {
                let before = |back: usize| place.checked_sub(back).and_then(|at| words.get(at)).copied();
                let mode = match (before(2), before(1)) {
                    _ if place < altered => Mode::AccessExclusive,
                    (Some("delete"), Some("from")) | (_, Some("update")) => Mode::Exclusive,
                    (_, Some("references")) => Mode::ShareRowExclusive,
                    (_, Some("on")) if words.first() == Some(&"create") => Mode::ShareRowExclusive,
                    _ => continue,
                };
                if let Some(table) = self.table_of.get(*word) {
                    let strongest = locks.entry(table.as_str()).or_insert(mode);
                    *strongest = mode.max(*strongest);
                }
            }
        }
        locks
    }

    /// The place of the first word that is a table.
    fn position(&self, words: &[&str]) -> Option<usize> {
        words.iter().position(|word| self.table_of.contains_key(*word))
    }
}

/// True if a migration did not get its locks, or was ended as one of two that waited for each other.
pub(super) fn is_locked_out(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("55P03" | "40P01"))
}

/// The words of each statement, in lower case and without `ONLY`, and without those of comments and of the bodies of functions,
/// which lock nothing before they are called.
fn statements(text: &str) -> Vec<Vec<String>> {
    let outside: String = text.split("$$").step_by(2).collect();
    let lines = outside
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let words = |statement: &str| {
        let words = statement
            .split(|character| !is_part(character))
            .map(str::to_lowercase);
        words.filter(|word| !word.is_empty() && word != "only").collect()
    };
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .split(';')
        .map(words)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Tables;

    fn tables() -> Tables {
        let pairs = [
            ("groups", "groups"),
            ("outbox", "outbox"),
            ("outbox_held", "outbox"),
            ("people", "people"),
        ];
        Tables {
            table_of: pairs
                .into_iter()
                .map(|(name, table)| (name.to_owned(), table.to_owned()))
                .collect(),
        }
    }

    fn locks(text: &str) -> Vec<String> {
        let prelude = tables().prelude(text);
        let locks = prelude
            .lines()
            .filter_map(|line| line.strip_prefix("LOCK TABLE "));
        locks
            .map(|lock| lock.replace(" MODE;", "").replace('"', ""))
            .collect()
    }

    #[test]
    fn a_migration_takes_the_strongest_lock_on_each_table_that_it_changes() {
        let text = "-- ALTER TABLE outbox\nCREATE TABLE ids (user_id UUID REFERENCES people (id));\n\
                    ALTER TABLE IF EXISTS ONLY Groups ADD COLUMN person UUID REFERENCES people; -- and outbox\n";
        assert_eq!(
            locks(text),
            ["groups IN ACCESS EXCLUSIVE", "people IN SHARE ROW EXCLUSIVE"]
        );
        let other = "DROP INDEX outbox_held; CREATE INDEX held ON outbox (id); UPDATE people SET id = (SELECT id FROM groups)";
        assert_eq!(
            locks(other),
            ["outbox IN ACCESS EXCLUSIVE", "people IN EXCLUSIVE"]
        );
        assert_eq!(
            locks("CREATE UNIQUE INDEX of_groups ON groups (id); DELETE FROM people"),
            ["people IN EXCLUSIVE", "groups IN SHARE ROW EXCLUSIVE"]
        );
        assert_eq!(
            locks("DROP TABLE groups, people"),
            ["groups IN ACCESS EXCLUSIVE", "people IN ACCESS EXCLUSIVE"]
        );
        assert_eq!(
            locks(
                "LOCK TABLE people IN ACCESS EXCLUSIVE MODE; CREATE TRIGGER gone AFTER DELETE ON groups EXECUTE FUNCTION f()"
            ),
            ["people IN ACCESS EXCLUSIVE", "groups IN SHARE ROW EXCLUSIVE"]
        );
        assert_eq!(
            locks(
                "CREATE FUNCTION f() AS $$ BEGIN DELETE FROM groups; DROP TABLE people; END $$; DROP INDEX outbox_held"
            ),
            ["outbox IN ACCESS EXCLUSIVE"]
        );
        assert_eq!(
            locks("CREATE TABLE own (people UUID); INSERT INTO own SELECT id FROM people"),
            [""; 0]
        );
    }

    #[test]
    fn the_waits_beside_a_held_lock_end_before_the_server_looks_for_a_deadlock() {
        let prelude = tables().prelude("DROP TABLE groups; DROP TABLE outbox; DROP TABLE people");
        let waits: Vec<&str> = prelude
            .lines()
            .filter_map(|line| line.strip_prefix("SET LOCAL lock_timeout = "))
            .collect();
        assert_eq!(waits, ["3000;", "350;", "350;", "0;"]);
    }
}
