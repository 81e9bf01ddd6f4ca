//! Images, built and run, and the compose file.
