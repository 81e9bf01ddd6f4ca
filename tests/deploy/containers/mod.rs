//! Images, built and run, and the compose file.

mod compose;
mod context;
mod engine;
mod images;
mod project;
mod secrets;
mod story;
