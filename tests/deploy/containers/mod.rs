//! Tests of the images and of the compose file.

mod compose;
mod context;
mod engine;
mod images;
mod project;
mod secrets;
mod story;
