//! The tool as its users run it: the real program, on free ports, in a directory of its own.

mod administration;
mod failures;
mod stack;
mod supervision;
