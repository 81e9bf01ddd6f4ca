//! Tests of operations on running services: restarts, upgrades, backups and restorations.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod backup;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod follower;
#[cfg(test)]
mod load;
#[cfg(test)]
mod old_release;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod released;
#[cfg(test)]
mod rolling;
