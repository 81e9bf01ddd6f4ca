mod deliveries;
mod failures;
mod release_before;
mod restored;
mod subscriber;
mod together;

use super::*;
use crate::testing::{Effects, clock, effects, of, quick};

fn inbox(db: &Db, handler: Effects) -> Inbox<Effects> {
    Inbox::new("tests", db.clone(), clock(), handler, quick())
}
