//! What may fail, and what holds all the same.

mod away;
mod both_sides;
mod crashes;
mod deletion;
mod saga;
