//! Services that die, hang or are cut off.

mod away;
mod crashes;
